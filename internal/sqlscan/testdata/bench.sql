WITH paid AS (
    SELECT o.customer_id, o.order_id, sum(i.quantity * i.unit_price) AS total, max(o.ordered_at) AS last_order
    FROM orders AS o
    JOIN order_items AS i USING (order_id)
    WHERE o.status IN ('paid', 'shipped', 'delivered')
      AND o.ordered_at >= now() - interval '90 days'
    GROUP BY o.customer_id, o.order_id
),
ranked AS (
    SELECT p.customer_id, p.total, p.last_order,
           row_number() OVER (PARTITION BY p.customer_id ORDER BY p.total DESC) AS place,
           count(*) OVER (PARTITION BY p.customer_id) AS orders
    FROM paid AS p
)
SELECT c.customer_id,
       c.name,
       coalesce(c.country, 'unknown') AS country,
       r.orders,
       round(r.total, 2) AS largest_order,
       CASE WHEN r.total > 1000 THEN 'large' WHEN r.total > 100 THEN 'medium' ELSE 'small' END AS size,
       (SELECT string_agg(DISTINCT t.tag, ', ' ORDER BY t.tag) FROM customer_tags AS t WHERE t.customer_id = c.customer_id) AS tags
FROM ranked AS r
JOIN customers AS c ON c.customer_id = r.customer_id
LEFT JOIN addresses AS a ON a.customer_id = c.customer_id AND a.kind = 'billing'
LEFT JOIN regions AS g ON g.region_id = a.region_id
WHERE r.place = 1
  AND c.email LIKE '%@example.com'
  AND (g.name IS NULL OR g.name <> $1)
  AND EXISTS (SELECT 1 FROM logins AS l WHERE l.customer_id = c.customer_id AND l.at > r.last_order)
ORDER BY r.total DESC, c.name
LIMIT 50
