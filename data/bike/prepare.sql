-- Every raw column arrives as text, so every type is chosen here. Hours are local wall clock without a zone, read as UTC.
create temp table hour_of as
select
    dteday::date + to_hours(hr::integer) as starts_at,
    cnt::double as rides,
    hours.*
from hours;
