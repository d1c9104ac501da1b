-- One row an order, as known when it was placed. The two `asof` joins take a seller's record strictly before that
-- instant: no order placed later, and no arrival that was not yet a fact, is counted.
select
    o.order_id as prediction_id,
    c.customer_unique_id as entity_id,
    o.purchased_at as predicted_at,

    coalesce(b.items, 0)::double as items,
    b.price,
    b.freight,
    b.weight_kg,
    b.volume_l,
    coalesce(b.sellers, 0)::double as sellers,
    coalesce(t.product_category_name_english, b.category) as category,
    s.seller_state,
    c.customer_state,
    s.seller_state = c.customer_state as same_state,
    p.payment_type,
    p.instalments::double as instalments,
    date_diff('minute', o.purchased_at, o.promised_at) / 1440.0 as promised_days,
    isodow(o.purchased_at)::double as weekday,
    hour(o.purchased_at)::double as hour,
    month(o.purchased_at)::double as month,
    case when b.seller_id is not null then coalesce(sales.orders, 0) end::double as seller_orders,
    past.late / past.known as seller_late_share,
    case when b.seller_id is not null then sales.orders is null end as first_time_seller,

    o.promised_at,
    b.seller_id
from purchase as o
join customers as c using (customer_id)
left join basket as b using (order_id)
left join payment as p using (order_id)
left join sellers as s using (seller_id)
left join categories as t on t.product_category_name = b.category
asof left join seller_sales as sales on sales.seller_id = b.seller_id and sales.purchased_at < o.purchased_at
asof left join seller_arrivals as past on past.seller_id = b.seller_id and past.known_at < o.purchased_at
order by o.purchased_at, o.order_id
