-- The rides of an hour are known when it is over.
select
    strftime(starts_at, 'h%Y%m%d%H') as prediction_id,
    rides as label,
    (starts_at + interval 1 hour)::timestamp as observed_at,
    'observed' as source
from hour_of
order by starts_at
