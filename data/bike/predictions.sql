-- One row an hour, predicted a day ahead. Past rides count only hours that were over when the prediction was made; the
-- weather of the hour stands for its forecast, which the publisher does not give.
select
    strftime(h.starts_at, 'h%Y%m%d%H') as prediction_id,
    -- Neighbouring hours miss together, so a part of a day counts as one witness.
    strftime(h.starts_at, '%Y-%m-%d ') || h.day_part as entity_id,
    (h.starts_at - interval 1 day)::timestamp as predicted_at,

    h.hr::double as hour,
    h.weekday::double as weekday,
    h.mnth::double as month,
    h.holiday = '1' as holiday,
    h.workingday = '1' as working_day,
    case h.weathersit when '1' then 'clear' when '2' then 'mist' when '3' then 'rain' else 'storm' end as weather,
    h.temp::double * 41 as temperature,
    h.atemp::double * 50 as felt_temperature,
    h.hum::double as humidity,
    h.windspeed::double * 67 as wind,
    day_before.rides as rides_day_before,
    week_before.rides as rides_week_before,
    (select avg(past.rides) from hour_of as past
     where past.starts_at >= h.starts_at - interval 8 day and past.starts_at < h.starts_at - interval 1 day) as rides_last_week,

    case h.season when '1' then 'winter' when '2' then 'spring' when '3' then 'summer' else 'autumn' end as season,
    h.day_part
from hour_of as h
left join hour_of as day_before on day_before.starts_at = h.starts_at - interval 2 day
left join hour_of as week_before on week_before.starts_at = h.starts_at - interval 7 day
order by h.starts_at
