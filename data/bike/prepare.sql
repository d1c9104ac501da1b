-- Every raw column arrives as text, so every type is chosen here. Hours are local wall clock without a zone, read as UTC.
create temp table hour_of as
select
    dteday::date + to_hours(hr::integer) as starts_at,
    cnt::double as rides,
    case when hr::integer < 6 then 'night' when hr::integer < 10 then 'morning' when hr::integer < 16 then 'midday'
         when hr::integer < 20 then 'evening' else 'late' end as day_part,
    hours.*
from hours;
