"""The user's table: what is read, and what is told of every kind of bad input."""

import numpy as np
import pytest

from ncfcheck.core.tables import TableError, read_table

BAD = {
    "empty file": (
        b"",
        "is empty; expected a row of column names and at least two rows of numbers",
    ),
    "blank file": (
        b" \n\n",
        "is empty; expected a row of column names and at least two rows of numbers",
    ),
    "header only": (b"a,b,y\n", "has 0 rows below the column names; at least two are needed"),
    "one row": (b"a,b,y\n1,2,3\n", "has 1 row below the column names; at least two are needed"),
    "long row": (
        b"a,b,y\n1,2,3\n1,2,3,4\n",
        "cannot be read: line 3 has 4 cells, but there are 3 column names",
    ),
    "short rows": (
        b"a,b,y\n1,2\n1,2\n",
        "has 0 rows without a missing cell (missing: 'y' in 2); at least two are needed",
    ),
    "text in target": (
        b"a,b,y\n1,2,3\n1,3,x\n",
        "target column 'y', row 2: 'x' is not a number, but others in it are",
    ),
    "text target": (
        b"a,y\n2,u\n3,v\n4,w\n",
        "target column 'y' has 3 values, which are no numbers ('u', 'v', 'w'); "
        "take one against the others: --target 'y=u'",
    ),
    "no numbers": (
        b"a,b,y\nu,v,1\nw,x,2\n",
        "has no numeric column besides the target 'y'; left out, no numbers in it: 'a', 'b'",
    ),
    "target alone": (b"y\n1\n2\n", "has no numeric column besides the target 'y'"),
    "no complete rows": (
        b"a,b,y\n1,,3\nnan,3,4\n",
        "has 0 rows without a missing cell (missing: 'a' in 1; 'b' in 1); at least two are needed",
    ),
    "long cell": (
        b"a,b,y\n1,2,%s\n" % (b"3" * 200_000),
        "has 1 row below the column names; at least two are needed",
    ),
    "open quote": (
        b'a,y\n1,2\n2,"3\n',
        "cannot be read: Error tokenizing data. C error: EOF inside string starting at row 2",
    ),
    "infinite": (
        b"a,b,y\n1,2,3\n-inf,3,4\n",
        "row 2, column 'a': an infinite number; only finite ones can be used",
    ),
    "infinite only": (
        b"a,b,y\ninf,2,3\ninf,3,4\n",
        "row 1, column 'a': an infinite number; only finite ones can be used",
    ),
    "too large": (
        b"a,b,y\n1,2,3\n1e999,3,4\n",
        "row 2, column 'a': an infinite number; only finite ones can be used",
    ),
    "constant target": (
        b"a,b,y\n1,2,3\n2,3,3\n",
        "target column 'y' is constant; there is nothing to predict",
    ),
    "constant": (
        b"a,b,y\n1,2,3\n1,2,4\n",
        "every feature column is constant ('a', 'b'); there is nothing to learn from",
    ),
    "twice the same name": (
        b"a,a,y\n1,2,3\n2,3,4\n",
        "has several columns named 'a'; column names must differ",
    ),
    "no such column": (b"a,b,c\n1,2,3\n2,3,4\n", "has no column 'y'; it has 'a', 'b', 'c'"),
    "longer rows": (
        b"a,y\n1,2,3\n2,3,4\n",
        "its rows have 3 cells, but there are 2 column names",
    ),
    "unknown delimiter": (
        b"a:y\n1:2\n2:3\n",
        "has no column 'y'; it has 'a:y'; what separates its cells? give --delimiter",
    ),
    "binary": (b"a,b\0,y\n1,2,3\n", "is a binary file, not CSV"),
}


@pytest.fixture
def table(tmp_path):
    def read(content, target="y", **options):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, target, **options)

    return read


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_what_is_wrong_and_where(table, tmp_path, content, message):
    with pytest.raises(TableError) as refused:
        table(content)
    assert str(refused.value) == f"{tmp_path / 'table.csv'}: {message}"


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    with pytest.raises(TableError, match=r"none\.csv: no such file$"):
        read_table(tmp_path / "none.csv", "y")
    with pytest.raises(TableError, match=r"is a directory, not a table$"):
        read_table(tmp_path, "y")


def test_many_columns_are_named_in_part(table):
    names = ",".join(f"c{i}" for i in range(20))
    with pytest.raises(TableError, match=r"'c7' and 12 more$"):
        table(f"{names}\n{names}\n{names}\n")


def test_numbers_are_read_as_they_are_without_standardising(table):
    found = table("a,y,b\n1,10,1e3\n-2.5,20,4\n0,40,5\n", standardise=False)
    assert (found.name, found.columns) == ("table.csv", ("a", "b"))
    np.testing.assert_array_equal(found.X, [[1, 1000], [-2.5, 4], [0, 5]])
    np.testing.assert_array_equal(found.y, [10, 20, 40])


def test_standardised_features_have_mean_zero_and_variance_one_and_labels_keep_their_signs(table):
    found = table("a,y,b\n1,-1,1e300\n-2.5,2,4e300\n0,4,-5e300\n")
    np.testing.assert_allclose(found.X.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(found.X.std(axis=0), 1)
    np.testing.assert_allclose(found.y, np.array([-1, 2, 4]) / np.std([-1, 2, 4]))


def test_columns_of_text_and_constant_columns_are_left_out_with_a_note(table):
    content = "name,one,a,y\nu,1,1,3\nv,1,2,4\n"
    found = table(content)
    assert found.columns == ("a",)
    assert found.notes == ("left out, no numbers in it: 'name'", "left out, constant: 'one'")
    raw = table(content, standardise=False)
    assert (raw.columns, raw.notes) == (("one", "a"), ("left out, no numbers in it: 'name'",))


def test_quotes_spaces_a_byte_order_mark_and_blank_lines_are_understood(table):
    found = table('\ufeff"a, b", y\n"1", 2\n\n 3 ,4\n', standardise=False)
    assert found.columns == ("a, b",)
    np.testing.assert_array_equal(found.X, [[1], [3]])
    np.testing.assert_array_equal(found.y, [2, 4])


@pytest.mark.parametrize("name", ["iris", "diabetes", "digits"])
def test_real_tables_are_read(tmp_path, name):
    from sklearn import datasets

    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    found = read_table(tmp_path / f"{name}.csv", "target")
    assert len(found.X) == len(found.y) == len(frame)
    assert np.isfinite(found.X).all() and np.isfinite(found.y).all()
    np.testing.assert_allclose(found.X.std(axis=0), 1)
