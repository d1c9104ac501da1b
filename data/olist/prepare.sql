-- Facts that more than one signal needs. Every raw column arrives as text, so every type is chosen here.
-- Times are the publisher's: Brazilian wall clock without a zone, read as UTC (charter.toml says why).

create temp table purchase as
select
    order_id,
    customer_id,
    order_purchase_timestamp::timestamptz as purchased_at,
    order_estimated_delivery_date::timestamptz as promised_at,
    order_delivered_customer_date::timestamptz as delivered_at
from orders;

-- "Late" is a fact once the promised date has passed without a delivery; "on time" only when the parcel is there.
create temp table arrival as
select
    order_id,
    delivered_at > promised_at as late,
    least(delivered_at, promised_at) as known_at
from purchase
where delivered_at is not null;

-- One seller and one category speak for an order: those of its dearest item, the first of them on a tie.
create temp table basket as
select
    order_id,
    count(*) as items,
    sum(price::double) as price,
    sum(freight_value::double) as freight,
    sum(product_weight_g::double) / 1000 as weight_kg,
    sum(product_length_cm::double * product_height_cm::double * product_width_cm::double) / 1000 as volume_l,
    count(distinct seller_id) as sellers,
    arg_max(seller_id, (price::double, -order_item_id::integer)) as seller_id,
    -- In a struct, because arg_max passes over rows whose value is null, and a missing category is a value here.
    arg_max({'name': product_category_name}, (price::double, -order_item_id::integer)).name as category
from items
left join products using (product_id)
group by order_id;

-- The publisher's `payment_sequential` orders the payments of an order; the largest says how it was paid.
create temp table payment as
select
    order_id,
    arg_max(payment_type, (payment_value::double, -payment_sequential::integer)) as payment_type,
    max(payment_installments::integer) as instalments
from payments
group by order_id;

-- Every seller of an order has it on record, not only the one who speaks for it.
create temp table sale as
select distinct seller_id, order_id from items;

create temp table seller_sales as
select seller_id, purchased_at, sum(count(*)) over (partition by seller_id order by purchased_at) as orders
from sale join purchase using (order_id)
group by seller_id, purchased_at;

-- A seller's record also counts what never came: on the promised date it was overdue, and nobody could know more.
create temp table seller_arrivals as
select
    seller_id,
    least(coalesce(delivered_at, promised_at), promised_at) as known_at,
    sum(count(*)) over (partition by seller_id order by known_at) as known,
    sum(count(*) filter (delivered_at is null or delivered_at > promised_at))
        over (partition by seller_id order by known_at) as late
from sale join purchase using (order_id)
group by seller_id, known_at;
