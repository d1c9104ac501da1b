"""Loopbench's core: the improvement loop of a model in production, stage by stage, without a user interface.

A stage imports only what stands above it in this map (import-linter holds that).

| module        | takes → gives |
|---------------|---------------|
| `errors`, `vocabulary`, `frames`, `clock` | the shared words; results → rows, frames, JSON |
| `charter`     | `loops/<name>.toml` → validated, hashed, versioned `Charter` |
| `lake`        | DuckLake: one way to read, one way to write, snapshots; the only module that imports duckdb |
| `ledger`      | the append-only, hash-chained record; the database of jobs |
| `opening`     | makes and connects the two above |
| `workspace`   | one folder with both; hands out `Loop` handles |
| `signals`     | files and SQL sources → typed Arrow batches; `simulate` makes them with known drift |
| `gates`       | batch → accepted + quarantine; `ingest` is the verb |
| `recipes`     | a real data set, or the simulator's → a loop with its signals |
| `feedback`    | ratings and comments → trend, and items beside the prediction they are about |
| `labels`      | `known_at(loop, as_of)`: what was known then; label maturity is decided here and nowhere else |
| `models`      | content-addressed packages of text and JSON; the register of versions |
| `monitor`     | what is known → drift, realised performance, service health → findings |
| `alerts`      | findings → alerts with owners, on the ledger; a durable outbox; playbooks |
| `triggers`    | findings + schedule → a decision to retrain or not, with its evidence and how far the rest was |
| `retrain`     | decision → pinned training set → Optuna × LightGBM → challenger |
| `policies`    | triggers + the past → when they would have retrained, at what cost, for what loss |
| `compare`     | champion, challenger, mature rows → scorecard with verdicts and gates |
| `release`     | scorecard → proposal → approvals by others → champion → rollback; `serve` answers the past |
| `charts`      | result → Altair chart; the only module that imports altair |
| `cycle`, `replay`, `status` | the whole loop once, over the past, at a glance |
| `doctor`      | is the workspace whole; keep it small |
| `jobs`        | durable queue, worker, leases |
| `cli`         | the `loop` command |

Start with `loop_core.workspace.Workspace.open(path).loop(name)`; every result has fields that say their unit, and
`loop_core.frames.to_frame(results)` makes a DataFrame of them.
"""
