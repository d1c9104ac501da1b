"""What people's own SQL may do: read the views of one loop as of an instant, within limits, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import loop_core
from loop_core.errors import QueryError
from loop_core.gates.scores import log_scores
from loop_core.labels import known_at
from loop_core.lake import PublicReading, QueryLimits
from loop_core.lake.door import read_select
from loop_core.lake.door.limits import Watch
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.signals.deliveries import deliver, prediction, write_csv

VIEWS = {"predictions", "outcomes", "rows"}
AS_OF = START + timedelta(days=10)

#: A file of the machine wherever a table may stand.
PLACES = """
select * from {}
from {}
summarize from {}
describe select * from {}
select (select count(*) from {})
select 1 where exists (from {})
select 1 order by (select count(*) from {})
select 1 limit (select count(*) from {})
select 1 union all select count(*) from {}
select array(select file from {})
select list_transform([1], x -> (select count(*) from {}))
select * from unnest((select list(file) from {}))
select * from range((select count(*) from {}))
select * from json_each((select content from {}))
select * from predictions, lateral (select * from {})
select * from predictions positional join {}
select count(*) filter (where exists (from {})) from predictions
select 1 from predictions qualify exists (from {})
select 1 from predictions group by (select 1 from {})
select distinct on ((select 1 from {})) 1
select sum(1) over (order by (select 1 from {} limit 1))
values ((select content from {}))
pivot {} on filename in ('a') using count(*)
unpivot (from {}) on filename
with w as materialized (from {}) from w
with recursive r as (from {} union all from r) from r
with w as (select 1) select * from (with v as (from {}) from v)
""".strip().splitlines()

REFUSED = """
select * from 'file.csv'
summarize 'file.csv'
with "file.csv" as (select 1) from "file.csv"
with recursive w as (select * from "w" union all select 1) select * from w
with a as (select * from b), b as (select 1) select * from a
select * from (with hidden as (select 1) select 1), hidden
select max(predicted_at) from lake.deliveries.predictions
select * from "lake"."orders"."predictions"
select * from __ducklake_metadata_lake.ducklake_data_file
select * from main.predictions
select * from temp.predictions
select * from information_schema.tables
select * from duckdb_tables
select * from sqlite_master
select * from predictions at (version => 1)
select * from predictions at (timestamp => now())
select * from query('select 1')
select * from query_table('predictions')
select * from duckdb_settings()
select * from pragma_table_info('predictions')
select count(*) from ducklake_cleanup_old_files('lake', cleanup_all => true)
select count(*) from ducklake_delete_orphaned_files('lake', cleanup_all => true)
select * from sqlite_query('__ducklake_metadata_lake', 'delete from ducklake_data_file returning 1')
select * from postgres_query('a', 'b')
select * from which_secret('a', 's3')
select * from sql_auto_complete('sel')
select * from json_execute_serialized_sql('x')
select * from histogram_values(predictions, price)
select * from READ_TEXT('/etc/passwd')
select * from system.main.read_text('/etc/passwd')
select getenv('HOME')
select current_setting('memory_limit')
select getvariable('x')
select nextval('s')
select write_log('x')
select pg_sleep(100)
select main.getenv('HOME')
select repeat('x', 1000000000)
select count(*) from range(1000000000000)
select * from range(10**12)
select range(1000000000)
select len(range(10**9))
select lpad('x', 1000000000, 'y')
select list_resize([1], 1000000000)
select printf('%1000000000d', 1)
select format('{:1000000000}', 1)
copy (select 1) to '/tmp/x.csv'
attach '/tmp/x.db' as x
install httpfs
load httpfs
set memory_limit = '1TB'
pragma version
checkpoint
call force_checkpoint()
explain select 1
show tables
show databases
select * from (show tables)
prepare p as select 1
begin
delete from predictions
insert into predictions select * from predictions
create macro f() as 1
select 1; select 2
select 1; drop table predictions

-- only a comment
select
""".strip("\n").splitlines()

ORDINARY = """
select count(*) from predictions
with w as (select * from predictions where price > 1) select count(*) from w
with predictions as (select * from predictions where price > 1) select count(*) from predictions
from predictions select state, count(*) group by all order by all
from predictions limit 1
select state, row_number() over (partition by state order by price) as r from predictions qualify r = 1
select sum(price) over w from predictions window w as (order by predicted_at rows between 6 preceding and current row)
pivot predictions on state using count(*) group by route
pivot (select state, price, date_trunc('week', predicted_at) as w from predictions) on state, price > 3 using sum(price) group by w
with w as (select state, 'é' as é, price from predictions) pivot w on state, é using avg(price) -- a comment
pivot predictions on state in ('SP', 'RJ') using count(*) group by route;
from predictions pivot (count(*) for state in ('SP', 'RJ') group by route)
unpivot (select state, price, score from predictions) on price, score into name n value v
summarize predictions
from (summarize select price from predictions) select column_name, min, max
describe predictions
select list(price order by price)[1:3], {'a': max(price)}.a, list_transform([1, 2], lambda x: x + 1), [x * 2 for x in [1, 2] if x > 1] from predictions
select regexp_extract(prediction_id, '(\\d+)', 1), state ilike 's%', state similar to 'S.' from predictions
select p.state, avg(o.label) from predictions as p left join outcomes as o using (prediction_id) group by 1
select * from predictions asof join outcomes on predicted_at >= observed_at
select * from predictions using sample 3
select * from predictions tablesample 10%
values (1), (2)
select 1 union select 2 union all select 3
select $as_of > (select max(predicted_at) from predictions)
from rows select count(label), avg(mature::int), any_value(cohort_state)
select * from generate_series(date '2018-01-01', date '2018-01-05', interval 1 day)
with recursive r(n) as (select 1 union all select n + 1 from r where n < 10) select sum(n) from r
select median(price), quantile_cont(price, 0.9), histogram(price > 3), string_agg(distinct state, ',') from predictions
select columns('pri.*'), * exclude (price) replace (score + 1 as score) from predictions
select strftime(predicted_at, '%Y-%m'), extract('dow' from predicted_at), predicted_at at time zone 'America/Sao_Paulo' from predictions
select a.state from predictions as a, lateral (select max(price) from predictions as b where b.state = a.state)
select distinct on (state) state, price from predictions order by state, price desc nulls last
select state, count(*) from predictions group by rollup (state) having count(*) > 1
select 'lake.x.predictions; drop table y; -- read_text(''/etc/passwd'')' as s
select lpad(3::varchar, 5, '0'), printf('%05.2f', 1.5), try_cast('x' as int), coalesce(null, 1), if(true, 1, 2)
/* first */ select count(*) as "select" from "predictions";
""".strip().splitlines()


@pytest.fixture
def reading(loop: Loop) -> PublicReading:
    """Three predictions before `AS_OF`, one after."""
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('predictions')} (prediction_id, predicted_at, price, state, score) values"
            " ('a1', '2018-01-01', 1, 'SP', 0.1), ('a2', '2018-01-02', 5, 'RJ', 0.2), ('a3', '2018-01-03', 9, 'SP', 0.3),"
            " ('late', '2018-02-01', 9, 'SP', 0.3)"
        ),
        actor="ana",
        message="test",
    )
    return known_at(loop, AS_OF)


@pytest.mark.parametrize("place", PLACES)
def test_no_file_stands_where_a_table_may(place: str) -> None:
    for source in ("glob('/*')", "read_text('/etc/passwd')", "'/etc/passwd'", "lake.orders.predictions"):
        with pytest.raises(QueryError):
            read_select(place.format(source), VIEWS)


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_is_no_select_over_the_views_is_refused(sql: str) -> None:
    with pytest.raises(QueryError):
        read_select(sql, VIEWS)


def test_a_refusal_says_what_is_allowed() -> None:
    with pytest.raises(QueryError, match="one SELECT"):
        read_select("delete from predictions", VIEWS)
    with pytest.raises(QueryError, match="a query names its views alone: outcomes, predictions, rows"):
        read_select("from lake.orders.predictions", VIEWS)
    with pytest.raises(QueryError, match="table functions that can: generate_series, json_each, range, unnest"):
        read_select("from glob('/*')", VIEWS)


def test_ordinary_sql_works(reading: PublicReading) -> None:
    for sql in ORDINARY:
        assert reading.frame(sql).width, sql
    assert reading.rows("select count(*), max(predicted_at) < $as_of from predictions") == [(3, True)]
    assert reading.rows("pivot predictions on state using sum(price) group by route") == [(None, 5.0, 10.0)]
    assert sum(batch.num_rows for batch in reading.batches("from predictions")) == 3


def test_nothing_that_gets_by_the_check_can_write_or_open_files(reading: PublicReading) -> None:
    cursor = reading.lake.door._cursor(reading.limits)
    for sql in (
        "from read_text('/etc/passwd')",
        "insert into lake.orders.predictions (prediction_id) values ('x')",
        "set memory_limit = '1TB'",
        "attach '/tmp/x.db' as x",
    ):
        with pytest.raises(Exception, match=r"disabled by configuration|read-only|locked"):
            cursor.execute(sql)


def test_views_of_a_persons_own_are_queries_too(reading: PublicReading) -> None:
    more = reading.with_views(dear="select * from predictions where price > $least", dearest="from dear limit 1")
    assert more.rows("select count(*) from dear", least=2) == [(2,)]
    assert len(more.rows("from dearest", least=2)) == 1
    with pytest.raises(QueryError, match="glob"):
        reading.with_views(x="from glob('/*')")
    ended = reading.with_views(x="select '$text' as a from predictions")
    with pytest.raises(QueryError, match="glob"):
        ended.rows("from x", text=", (select count(*) from glob(chr(47))) as b, ")


@pytest.mark.parametrize("sql", ["with recursive r as (select 1 union all select 1 from r) select count(*) from r"])
def test_a_query_without_end_is_stopped_at_its_limit(reading: PublicReading, sql: str) -> None:
    with pytest.raises(QueryError, match=r"stopped after 0.2 s, its limit of time"):
        reading.with_limits(0.2, None).rows(sql)
    assert reading.rows("select 1") == [(1,)]


def test_a_query_that_wants_all_memory_is_stopped(reading: PublicReading) -> None:
    small = reading.with_limits(30, 100)
    with pytest.raises(QueryError, match="needs more than 100 MB, its limit of memory"):
        small.rows("select list(n || '-' || m) from range(100000) as a(n), range(1000) as b(m)")
    with pytest.raises(QueryError, match="its limit of memory"):
        small.rows("with recursive r as (select 'x' as s union all select s || s from r) select max(length(s)) from r")
    assert small.rows("select 1") == [(1,)]


def test_the_watch_ends_with_its_query() -> None:
    stops: list[int] = []
    with Watch(QueryLimits(seconds=60), lambda: stops.append(1)).watching() as watch:
        pass
    assert (stops, watch.over) == ([], False)


def test_limits_come_from_the_charter(workspace: Workspace) -> None:
    bounded = workspace.set_charter(CHARTER + "\n[queries]\nseconds = 5\n", actor="ana", reason="?", as_of=START)
    assert known_at(bounded, AS_OF).limits == QueryLimits(seconds=5, memory_mb=1_000)


def test_queries_work_on_postgresql_and_while_others_write(database: str, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "team", catalog=database) as team:
        loop = team.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        sql = f"insert into {loop.table('predictions')} (prediction_id, predicted_at) values ('a', '2018-01-01')"
        count = "select count(*) from predictions"
        loop.lake.write(lambda tx: tx.execute(sql), actor="ana", message="test")
        seen = loop.lake.write(lambda tx: (tx.execute(sql), known_at(loop, AS_OF).rows(count)), actor="a", message="m")[
            1
        ]
        assert (seen, known_at(loop, AS_OF).rows(count)) == ([(1,)], [(2,)])


def test_the_core_reads_by_a_way_of_its_own() -> None:
    """Its own SQL is trusted, and much of it; only what people write goes through the door."""
    folder = Path(loop_core.__file__).parent
    callers = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*.py")
        if re.search(r"\bknown_at\(", file.read_text())
    }
    assert callers <= {"__init__.py", "cli/look.py", "labels/maturity.py"}


def test_where_the_past_is_replayed_nothing_of_later_is_known(loop: Loop, tmp_path: Path) -> None:
    """One file, imported years later: its rows, those held back and the scores about them are known at their own time."""
    at = {1: "2018-01-05T00:00:00Z", 2: "2018-01-06T00:00:00Z", 3: "2018-02-20T00:00:00Z", 4: "2018-02-21T00:00:00Z"}
    rows = [prediction(i, predicted_at=at[i], price=1 if i % 2 else -1) for i in at]
    wall = datetime(2025, 1, 1, tzinfo=UTC)
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", rows), as_of=wall)
    scores = pl.DataFrame({"prediction_id": ["p1", "p3"], "score": [0.5, 0.5]})
    log_scores(loop, "v", scores, actor="ana", as_of=wall)
    tables = ("scores", "quarantine", "batches")
    for day, seen in ((1, (0, 0, 0)), (10, (1, 1, 2)), (70, (2, 2, 2))):
        reading = known_at(loop, datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=day))
        assert tuple(reading.rows(f"select count(*) from {name}")[0][0] for name in tables) == seen
