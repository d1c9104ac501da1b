-- Reviews. One review id can stand on several orders and one order can have several reviews: both together are the id.
-- A review exists from the moment it was answered; `review_creation_date` is only when Olist asked for it.
select
    r.review_id || '-' || r.order_id as feedback_id,
    r.order_id as prediction_id,
    c.customer_unique_id as user_id,
    r.review_answer_timestamp::timestamptz as given_at,
    'review' as kind,
    r.review_score::double as rating,
    nullif(concat_ws(e'\n', r.review_comment_title, r.review_comment_message), '') as comment
from reviews as r
left join orders as o using (order_id)
left join customers as c using (customer_id)
order by given_at, feedback_id
