"""Users' tables: what README says of them, and what else such files are like."""

import bz2
import gzip

import numpy as np
import pandas as pd
import pytest

import ncfcheck as api
from ncfcheck.core.tables import TableError, read_table
from ncfcheck.model.losses import Loss
from tests.support.commands import ncfcheck

IRIS = (
    "sepal,petal,species\n5.1,1.4,setosa\n7.0,4.7,versicolor\n6.3,6.0,virginica\n4.9,1.3,setosa\n"
)


@pytest.fixture
def read(tmp_path):
    """Reads contents as a file, not standardised; (columns, rows, labels, notes)."""

    def reads(content, target="y", name="table.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = read_table(path, target, **{"standardise": False, **options})
        return found.columns, found.X.tolist(), found.y.tolist(), found.notes

    return reads


def test_readmes_first_table(tmp_path):
    """README's `--data iris.csv --target sepal_width` → checked, text columns are named"""
    rows = [f"{k % 7},{k % 5},{k % 3},s{k % 3}" for k in range(20)]
    (tmp_path / "iris.csv").write_text("\n".join(["sepal_width,a,b,species", *rows]))
    options = ("--data", "iris.csv", "--target", "sepal_width", "--examples", "10", "--quiet")
    found = ncfcheck("check", "homogeneity.euler", *options, folder=tmp_path)
    assert (found.returncode, found.stderr) == (
        0,
        "ncfcheck: warning: iris.csv: left out, no numbers in it: 'species'\n",
    )


def test_numbers_are_inputs_and_labels(read):
    """numeric columns and a numeric target, `--no-standardise` → taken as they are"""
    assert read("a,y,b\n1,10,1e3\n-2.5,20,4\n") == (
        ("a", "b"),
        [[1, 1000], [-2.5, 4]],
        [10, 20],
        (),
    )


def test_both_are_standardised(read):
    """the same by default → features of mean 0 and variance 1, labels that keep their signs"""
    _, X, y, _ = read("a,y\n1,-1\n2,2\n9,4\n", standardise=True)
    np.testing.assert_allclose([np.mean(X), np.std(X), np.std(y)], [0, 1, 1], atol=1e-12)
    assert np.sign(y).tolist() == [-1, 1, 1]


def test_rows_are_sub_sampled_by_seed():
    """a table of more rows than an instance takes → rows drawn by the seed alone"""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.standard_normal((500, 3)), columns=["a", "b", "y"])
    runs = [
        api.results(api.check("homogeneity.euler", data=frame, target="y", examples=5, seed=seed))
        for seed in (1, 1, 2)
    ]
    first, again, other = (run["worst_instance"].tolist() for run in runs)
    assert first == again != other


@pytest.mark.parametrize("values", [("no", "yes"), ("False", "True"), ("<=50K", ">50K")])
def test_a_target_of_two_values(read, values):
    """a text target of two values, True and False among them → ±1, and which is which is told"""
    low, high = values
    columns, _, y, notes = read(
        f"a,b,income\n1,0,{low}\n2,5,{high}\n3,1,{high}\n", "income", standardise=True
    )
    assert (columns, y) == (("a", "b"), [-1, 1, 1])
    assert notes[-1] == f"target 'income': '{low}' is -1, '{high}' is +1"


def test_a_target_of_three_values(read):
    """`--target species` of three values → refused with the values, and how one is taken"""
    with pytest.raises(TableError) as refused:
        read(IRIS, "species")
    assert str(refused.value).endswith(
        "target column 'species' has 3 values, which are no numbers ('setosa', 'versicolor', "
        "'virginica'); take one against the others: --target 'species=setosa'"
    )


def test_one_class_against_the_others(read):
    """`--target species=virginica` → +1 for it and -1 for all others, which is told"""
    _, _, y, notes = read(IRIS, "species=virginica")
    assert y == [-1, -1, 1, -1]
    assert notes == ("target 'species': 'virginica' is +1, all others are -1",)


def test_one_number_against_the_others(read):
    """`--target digit=3` of a column of numbers with a gap → ±1 in complete rows"""
    _, _, y, notes = read("a,digit\n1,3\n4,1\n2,\n5,3\n", "digit=3")
    assert y == [1, -1, 1]
    assert notes[0] == "target 'digit': '3' is +1, all others are -1"


def test_an_unknown_class(read):
    """a class that the target has not → refused with the closest"""
    with pytest.raises(TableError, match=r"has no 'Setosae'; did you mean 'setosa'\? it has "):
        read(IRIS, "species=Setosae")


def test_classes_keep_their_signs_in_unbalanced_samples():
    """a sample nearly all of one class, with a loss of labels ±1 → labels as in the table"""
    y = np.array([[-1.0], [-1.0], [-1.0], [1.0]])
    assert Loss.LOGISTIC.labels.fit(y, np.median(y)).tolist() == y.tolist()
    assert Loss.LOGISTIC.labels.fit(y[:2], np.median(y[:2])).tolist() == y[:2].tolist()


def test_zeros_and_ones_in_unbalanced_samples():
    """a numeric 0/1 target, mostly 0, with a loss of labels ±1 → both labels occur"""
    frame = pd.DataFrame({"a": np.arange(40.0) % 7, "y": (np.arange(40) % 4 == 0) * 1.0})

    @api.claim(
        "mine.signs", kind=api.CONJECTURE, reference="-", given=api.instances(losses="logistic")
    )
    def signs(instance):
        """Labels ±1 are of both signs in samples of 15 rows or more."""
        y = instance.problem.y
        if len(y) < 15:
            raise api.Inapplicable("few rows")
        return api.Margin(float(min((y > 0).sum(), (y < 0).sum())) - 0.5, 0.0)

    [found] = api.check(signs, data=frame, target="y", examples=15).claims
    assert (found.violates, found.holds) == (0, 15)


@pytest.mark.parametrize("cell", ["", "?", "NA", "-", "nan", "null", "N/A", "None", ' "" '])
def test_missing_cells(read, cell):
    """cells that stand for nothing → their rows left out and counted, columns named"""
    assert read(f"a,b,y\n1,2,3\n4,{cell},5\n6,7,{cell}\n8,9,8\n") == (
        ("a", "b"),
        [[1, 2], [8, 9]],
        [3, 8],
        ("left out, incomplete: 2 rows of 4 (missing: 'b' in 1; 'y' in 1)",),
    )


def test_short_rows(read):
    """a row with fewer cells than names → left out as incomplete"""
    _, X, _, notes = read("a,b,y\n1,2,3\n4,5\n6,7,8\n")
    assert X == [[1, 2], [6, 7]] and "1 row of 3" in notes[0]


def test_no_complete_row(read):
    """no row without a missing cell → refused with the columns that have them"""
    with pytest.raises(TableError, match=r"0 rows without .* \(missing: 'a' in 1; 'b' in 1\)"):
        read("a,b,y\n1,,3\n?,5,4\n")


def test_empty_text_and_constant_columns(read):
    """empty, text, partly text, date and constant columns → left out, each named with why"""
    content = (
        "e,t,p,d,c,a,y\n,u,1,2024-01-01,7,1,2\n,v,x2,2024-01-02,7,4,3\n,v,3,2024-01-03,7,2,5\n"
    )
    columns, _, _, notes = read(content, standardise=True)
    assert columns == ("a",)
    assert notes == (
        "left out, empty: 'e'",
        "left out, no numbers in it: 't', 'd'",
        "left out, not all of it numbers: 'p' (row 2: 'x2')",
        "left out, constant: 'c'",
    )


def test_nothing_to_learn_from(read):
    """text columns alone → refused with what was left out"""
    with pytest.raises(
        TableError, match=r"no numeric column besides .*; left out, no numbers .*'b'"
    ):
        read("b,y\nu,1\nv,2\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "a;b;y\n1,5;2;1\n2,25;1.234,5;2\n",
            "semicolons are between its cells, else give --delimiter",
        ),
        (
            "a\tb\ty\n1,5\t2\t1\n2,25\t1234,5\t2\n",
            "tabs are between its cells, else give --delimiter",
        ),
        ("a|b|y\n1,5|2|1\n2,25|1234,5|2\n", "bars are between its cells, else give --delimiter"),
        (
            "a b  y\n1,5 2 1\n 2,25 1234,5 2\n",
            "spaces are between its cells, else give --delimiter",
        ),
        (
            'a,b,y\n"1,5",2,1\n"2,25","1234,5",2\n',
            "commas are its decimal marks, else give --decimal .",
        ),
    ],
    ids=["semicolons", "tabs", "bars", "spaces", "quoted"],
)
def test_delimiters_and_decimal_commas(read, content, told):
    """other delimiters, decimal commas → recognised and told, with the option that overrules"""
    columns, X, y, notes = read(content)
    assert (columns, X, y) == (("a", "b"), [[1.5, 2], [2.25, 1234.5]], [1, 2])
    assert told in notes and "commas are its decimal marks, else give --decimal ." in notes


def test_points_after_semicolons(read):
    """semicolons with decimal points and thousands → numbers, and that they were separated"""
    _, X, _, notes = read("a;b;y\n1,234;5.5;3\n12,345;7.5;4\n")
    assert X == [[1234, 5.5], [12345, 7.5]]
    assert "thousands separated: 'a'" in notes


def test_given_delimiter_and_decimal(read):
    """`--delimiter : --decimal ,` → taken at its word, nothing to tell"""
    assert read("a:y\n1,234:2\n2,5:4\n", delimiter=":", decimal=",") == (
        ("a",),
        [[1.234], [2.5]],
        [2, 4],
        (),
    )
    with pytest.raises(TableError, match=r"must be one character, tab or space, not '::'$"):
        read("a::y\n1::2\n", delimiter="::")


def test_options_of_the_command_line(tmp_path):
    """`--delimiter tab --decimal ,` on the command line → reach the table"""
    rows = "".join(f"{k % 5},5\t{k % 3}\n" for k in range(9))
    (tmp_path / "t.csv").write_text("a\ty\n" + rows)
    options = ("--data", "t.csv", "--target", "y", "--delimiter", "tab", "--decimal", ",")
    found = ncfcheck("check", "homogeneity.euler", *options, "--examples", "5", folder=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "pack"), [("t.csv.gz", gzip.compress), ("t.csv.bz2", bz2.compress)]
)
def test_compressed_files(read, name, pack):
    """a compressed table → read like any other"""
    assert read(pack(b"a;y\n1;2\n2;4\n"), name=name)[1] == [[1], [2]]


def test_a_broken_archive(read):
    """a file named .gz that is none → one line"""
    with pytest.raises(TableError, match=r"t\.csv\.gz: cannot be read: Not a gzipped file"):
        read(b"a,y\n1,2\n", name="t.csv.gz")


def test_parquet(tmp_path):
    """a Parquet file with text, booleans, dates and gaps → read like a CSV file"""
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2, None, 4], "d": pd.to_datetime(["2024-01-01"] * 4)})
    frame["y"] = pd.Categorical(["u", "v", "u", "u"])
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet", "y", standardise=False)
    assert (found.X.tolist(), found.y.tolist()) == ([[1], [2], [4]], [-1, 1, -1])
    assert found.notes[0] == "left out, no numbers in it: 'd'"


def test_parquet_without_pyarrow(read, monkeypatch):
    """a Parquet file where pyarrow is missing → refused with the command that installs it"""

    def missing(path):
        raise ImportError("Unable to find a usable engine")

    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(TableError, match=r"needs pyarrow: pip install 'ncfcheck\[parquet\]'"):
        read(b"PAR1", name="t.parquet")


def test_spreadsheets(read):
    """an Excel file → refused with what to save it as"""
    with pytest.raises(TableError, match=r"is a spreadsheet; save its sheet as CSV$"):
        read(b"PK", name="t.xlsx")


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_an_index_without_a_name(read, name):
    """the index that pandas and R write into CSV files → left out and named"""
    columns, _, _, notes = read(f"{name},a,y\n0,1,2\n1,4,5\n2,6,6\n")
    assert columns == ("a",)
    assert notes == ("left out, unnamed and counts the rows: 'Unnamed: 0'",)


def test_an_index_with_a_name(read):
    """a column that counts the rows under a name → kept, and pointed out"""
    columns, _, _, notes = read("id,a,y\n1,1,2\n2,4,5\n3,6,6\n")
    assert columns == ("id", "a")
    assert notes == ("counts the rows, delete it if it is no feature: 'id'",)


def test_percentages_and_truths(read):
    """percent signs, True and False among the features → numbers, and how they were read"""
    _, X, _, notes = read("p,t,y\n5%,True,1\n7.5 %,False,2\n,,\n")
    assert X == [[0.05, 1], [0.075, 0]]
    assert notes == ("percentages, divided by 100: 'p'", "True as 1 and False as 0: 't'")


def test_names_alike(read):
    """a target that is not there → refused with the closest names first"""
    with pytest.raises(TableError, match=r"no column 'Sepal width'; did you mean 'sepal_width'\? "):
        read("sepal_width,y\n1,2\n2,3\n", "Sepal width")


def test_names_twice(read):
    """two columns of one name → refused by name"""
    with pytest.raises(TableError, match="several columns named 'a'; column names must differ"):
        read("a,a,y\n1,2,3\n2,3,4\n")


def test_no_names(read):
    """no row of names → pointed out, whether the target is found or not"""
    content = "5.1,1.4,0.2\n4.9,1.5,0.7\n7.1,1.6,0.9\n"
    with pytest.raises(TableError, match="is its first row, of column names, missing"):
        read(content, "y")
    assert read(content, "0.2")[3] == (
        "its first row, taken for names, is all numbers: '5.1', '1.4', '0.2'",
    )


@pytest.mark.parametrize(
    "content",
    [
        "é,y\n1,2\n3,4\n".encode(),
        "\ufeffé,y\n1,2\n3,4\n".encode(),
        "é,y\n1,2\n3,4\n".encode("utf-16"),
        "é,y\n1,2\n3,4\n".encode("latin-1"),
        "é,y\r\n1,2\r\n\r\n3,4\r\n".encode(),
        '# from a thermometer\n\n"é", y\n"1", 2\n 3 ,4\n'.encode(),
    ],
    ids=["UTF-8", "byte-order mark", "UTF-16", "Latin-1", "CRLF", "comments and quotes"],
)
def test_encodings_and_line_ends(read, content):
    """encodings, byte-order marks, line ends, quotes, comments before the names → read"""
    assert read(content)[:3] == (("é",), [[1], [3]], [2, 4])


def test_latin_1_is_told(read):
    """text that is not UTF-8 → what it is read as is told"""
    assert read("é,y\n1,2\n3,4\n".encode("latin-1"))[3] == (
        "is not UTF-8: text in it is read as Windows-1252",
    )


def test_large_integers(read):
    """integers beyond 2^53 → rounded, and that is told"""
    assert read("a,y\n9007199254740993,1\n1,2\n")[3] == (
        "integers beyond 2^53, which are rounded: 'a'",
    )


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e999"])
def test_infinities(read, cell):
    """an infinite number → refused with row and column"""
    with pytest.raises(TableError, match="row 2, column 'a': an infinite number"):
        read(f"a,y\n1,2\n{cell},3\n")


def test_a_large_file(read):
    """a million rows → read in seconds, an instance drawn from them at once"""
    rows = b"".join(b"%d.5,%d,%d\n" % (k % 91, k % 17, k % 3) for k in range(10_000)) * 100
    columns, X, _, _ = read(b"a,b,y\n" + rows)
    assert (columns, len(X)) == (("a", "b"), 1_000_000)


def test_a_dataframe_from_python():
    """`ncfcheck.check(…, data=frame)` → its columns, whatever their type"""
    frame = pd.DataFrame({0: [1.0, 2, 4], "b": [True, False, True], "y": ["u", "v", None]})
    found = read_table(frame, "y", standardise=False)
    assert (found.columns, found.X.tolist(), found.y.tolist()) == (
        ("0", "b"),
        [[1, 1], [2, 0]],
        [-1, 1],
    )
