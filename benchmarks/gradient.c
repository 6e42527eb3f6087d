/* One gradient of the NCF of a dense two-layer network with p = 2, by the BLAS that is handed in: what a C programmer would write.
   All matrices are stored by rows; X (d, n), y (1, n), theta = (W1 (k, d), W2 (1, k)). With `bare` set, the products alone. */
typedef void (*gemm)(char *, char *, int *, int *, int *, double *, double *, int *, double *, int *, double *, double *, int *);

static gemm blas;

static void product(char *a, char *b, int rows, int columns, int inner, double *A, int lda, double *B, int ldb, double *C)
{
    double one = 1.0, zero = 0.0;
    blas(b, a, &columns, &rows, &inner, &one, B, &ldb, A, &lda, &zero, C, &columns);
}

void gradients(gemm given, int repeats, int bare, int d, int n, int k, double negative, double *theta, double *X, double *y,
               double *value, double *slope, double *delta, double *output, double *gradient)
{
    double *W2 = theta + k * d;
    blas = given;
    for (int turn = 0; turn < repeats; turn++) {
        product("N", "N", k, n, d, theta, d, X, n, value);
        for (int i = 0; !bare && i < k * n; i++) {
            double z = value[i], lower = z >= 0 ? z : negative * z;
            slope[i] = 2 * lower;
            value[i] = lower * z;
        }
        product("N", "N", 1, n, k, W2, k, value, n, output);
        product("N", "T", 1, k, n, y, n, value, n, gradient + k * d);
        product("T", "N", k, n, 1, W2, k, y, n, delta);
        for (int i = 0; !bare && i < k * n; i++)
            delta[i] *= slope[i];
        product("N", "T", k, d, n, delta, n, X, n, gradient);
    }
}
