-- Only delivered orders have an outcome. Its time is the first at which it was a fact, which is earlier for bad news.
select
    order_id as prediction_id,
    late::integer::double as label,
    known_at as observed_at,
    'observed' as source
from arrival
order by known_at, order_id
