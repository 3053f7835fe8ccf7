-- The sample shop: outdoor equipment, one year of business, the same rows on every load.
-- Nothing here is random and nothing asks the clock; variety comes from pick().

SET LOCAL timezone = 'UTC';

CREATE SCHEMA shop;
COMMENT ON SCHEMA shop IS 'What we sell, to whom, and what they ordered';
CREATE SCHEMA billing;
COMMENT ON SCHEMA billing IS 'Invoices and the money that came in';

-- A number from 0 to n-1 that looks random but depends on seed and salt alone.
CREATE FUNCTION pg_temp.pick(seed bigint, salt bigint, n bigint) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT ((((seed * 7919 + salt * 104729) * 2654435761) % 4294967296) / 65536 * 40503 % 65536 * n / 65536)::int $$;

---------------------------------------------------------------------------------------------------- types

CREATE TYPE shop.order_status AS ENUM ('pending', 'paid', 'shipped', 'delivered', 'cancelled');
COMMENT ON TYPE shop.order_status IS 'The life of an order, in this order; cancelled can follow pending and paid';

CREATE DOMAIN shop.email AS text CHECK (VALUE ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$');
COMMENT ON DOMAIN shop.email IS 'An e-mail address, checked for shape only';

CREATE TYPE billing.payment_method AS ENUM ('card', 'bank_transfer', 'paypal', 'gift_card');

---------------------------------------------------------------------------------------------------- shop

CREATE TABLE shop.categories (
    id        int  PRIMARY KEY,
    parent_id int  REFERENCES shop.categories,
    name      text NOT NULL UNIQUE,
    slug      text NOT NULL GENERATED ALWAYS AS (replace(lower(name), ' ', '-')) STORED,
    CHECK (parent_id <> id)
);
COMMENT ON TABLE  shop.categories IS 'Product categories, a tree of two levels';
COMMENT ON COLUMN shop.categories.parent_id IS 'The category above; NULL at the top';
COMMENT ON COLUMN shop.categories.slug IS 'The name as it stands in a web address';

CREATE TABLE shop.products (
    id          int           PRIMARY KEY,
    category_id int           NOT NULL REFERENCES shop.categories,
    sku         text          NOT NULL UNIQUE,
    name        text          NOT NULL,
    price       numeric(10,2) NOT NULL CHECK (price > 0),
    cost        numeric(10,2) NOT NULL CHECK (cost > 0),
    margin      numeric(10,2) GENERATED ALWAYS AS (price - cost) STORED,
    stock       int           NOT NULL DEFAULT 0 CHECK (stock >= 0),
    tags        text[]        NOT NULL DEFAULT '{}',
    attributes  jsonb         NOT NULL DEFAULT '{}',
    warranty    interval,
    added_on    date          NOT NULL,
    active      boolean       NOT NULL DEFAULT true
);
CREATE INDEX products_category_id_idx ON shop.products (category_id);
CREATE INDEX products_tags_idx ON shop.products USING gin (tags);
CREATE INDEX products_active_idx ON shop.products (name) WHERE active;
COMMENT ON TABLE  shop.products IS 'Everything that is or was for sale';
COMMENT ON COLUMN shop.products.sku IS 'Stock keeping unit: category, line, number';
COMMENT ON COLUMN shop.products.price IS 'Today''s price in EUR including tax; what was paid is in order_items';
COMMENT ON COLUMN shop.products.cost IS 'What we pay for one, in EUR';
COMMENT ON COLUMN shop.products.margin IS 'price - cost';
COMMENT ON COLUMN shop.products.stock IS 'Pieces in the warehouse';
COMMENT ON COLUMN shop.products.tags IS 'Free labels for the search, e.g. waterproof';
COMMENT ON COLUMN shop.products.attributes IS 'Colour, weight in grams and so on; keys differ by category';
COMMENT ON COLUMN shop.products.warranty IS 'NULL: only what the law gives';
COMMENT ON COLUMN shop.products.active IS 'False: no longer for sale, kept for old orders';

CREATE TABLE shop.employees (
    id         int        PRIMARY KEY,
    manager_id int        REFERENCES shop.employees ON DELETE SET NULL,
    name       text       NOT NULL,
    email      shop.email NOT NULL UNIQUE,
    job        text       NOT NULL,
    hired_on   date       NOT NULL
);
COMMENT ON TABLE  shop.employees IS 'People who work here';
COMMENT ON COLUMN shop.employees.manager_id IS 'Whom they report to; NULL for the head of the shop';
COMMENT ON COLUMN shop.employees.job IS 'Job title';

CREATE TABLE shop.customers (
    id         int         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_name text        NOT NULL,
    last_name  text        NOT NULL,
    full_name  text        GENERATED ALWAYS AS (first_name || ' ' || last_name) STORED,
    email      shop.email  NOT NULL UNIQUE,
    phone      text,
    born_on    date,
    newsletter boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
);
CREATE INDEX customers_last_name_idx ON shop.customers (lower(last_name));
COMMENT ON TABLE  shop.customers IS 'People with an account';
COMMENT ON COLUMN shop.customers.full_name IS 'First and last name, for display';
COMMENT ON COLUMN shop.customers.email IS 'The login; unique';
COMMENT ON COLUMN shop.customers.newsletter IS 'Agreed to receive the newsletter';
COMMENT ON COLUMN shop.customers.created_at IS 'When the account was opened';

CREATE TABLE shop.addresses (
    customer_id int  NOT NULL REFERENCES shop.customers ON DELETE CASCADE,
    no          int  NOT NULL CHECK (no > 0),
    street      text NOT NULL,
    postcode    text NOT NULL,
    city        text NOT NULL,
    country     char(2) NOT NULL,
    PRIMARY KEY (customer_id, no)
);
COMMENT ON TABLE  shop.addresses IS 'Delivery addresses, numbered per customer; 1 is the default';
COMMENT ON COLUMN shop.addresses.no IS 'Counts from 1 for each customer';
COMMENT ON COLUMN shop.addresses.country IS 'ISO 3166 code of two letters';

CREATE TABLE shop.orders (
    id           int               GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    customer_id  int               NOT NULL REFERENCES shop.customers,
    address_no   int               NOT NULL,
    employee_id  int               REFERENCES shop.employees ON DELETE SET NULL,
    status       shop.order_status NOT NULL DEFAULT 'pending',
    placed_at    timestamptz       NOT NULL,
    shipped_at   timestamptz,
    delivered_at timestamptz,
    note         text,
    FOREIGN KEY (customer_id, address_no) REFERENCES shop.addresses,
    CONSTRAINT orders_dates_in_order CHECK (shipped_at > placed_at AND delivered_at > shipped_at)
);
CREATE INDEX orders_customer_id_idx ON shop.orders (customer_id);
CREATE INDEX orders_placed_at_idx ON shop.orders (placed_at DESC);
CREATE INDEX orders_open_idx ON shop.orders (placed_at) WHERE status IN ('pending', 'paid');
COMMENT ON TABLE  shop.orders IS 'One row per order; its lines are in order_items';
COMMENT ON COLUMN shop.orders.address_no IS 'Which of the customer''s addresses it goes to';
COMMENT ON COLUMN shop.orders.employee_id IS 'Who took it on the phone; NULL for orders on the web site';
COMMENT ON COLUMN shop.orders.status IS 'Where it stands today';
COMMENT ON COLUMN shop.orders.placed_at IS 'When the customer confirmed it';
COMMENT ON COLUMN shop.orders.shipped_at IS 'When it left the warehouse; NULL until then';
COMMENT ON COLUMN shop.orders.delivered_at IS 'When it arrived; NULL until then';
COMMENT ON COLUMN shop.orders.note IS 'The customer''s wish, in their own words';

CREATE TABLE shop.order_items (
    order_id   int           NOT NULL REFERENCES shop.orders ON DELETE CASCADE,
    line_no    int           NOT NULL CHECK (line_no > 0),
    product_id int           NOT NULL REFERENCES shop.products,
    quantity   int           NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    unit_price numeric(10,2) NOT NULL,
    discount   numeric(3,2)  NOT NULL DEFAULT 0 CHECK (discount >= 0 AND discount < 1),
    line_total numeric(12,2) GENERATED ALWAYS AS (round(quantity * unit_price * (1 - discount), 2)) STORED,
    PRIMARY KEY (order_id, line_no)
);
CREATE INDEX order_items_product_id_idx ON shop.order_items (product_id);
COMMENT ON TABLE  shop.order_items IS 'The lines of the orders';
COMMENT ON COLUMN shop.order_items.line_no IS 'Counts from 1 in each order';
COMMENT ON COLUMN shop.order_items.unit_price IS 'Price of one piece in EUR on the day of the order';
COMMENT ON COLUMN shop.order_items.discount IS 'A fraction: 0.10 is ten percent off';
COMMENT ON COLUMN shop.order_items.line_total IS 'What the line costs in EUR, discount taken off';

CREATE TABLE shop.returns (
    id          int           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id    int           NOT NULL,
    line_no     int           NOT NULL,
    quantity    int           NOT NULL CHECK (quantity > 0),
    reason      text          NOT NULL CHECK (reason IN ('too small', 'too large', 'damaged', 'not as described', 'changed mind')),
    refund      numeric(10,2) NOT NULL,
    returned_on date          NOT NULL,
    UNIQUE (order_id, line_no),
    FOREIGN KEY (order_id, line_no) REFERENCES shop.order_items ON UPDATE CASCADE
);
COMMENT ON TABLE  shop.returns IS 'Order lines that came back, whole or in part';
COMMENT ON COLUMN shop.returns.quantity IS 'Pieces that came back';
COMMENT ON COLUMN shop.returns.refund IS 'EUR paid back';

CREATE TABLE shop.reviews (
    id          int         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id  int         NOT NULL,
    customer_id int         REFERENCES shop.customers ON DELETE SET NULL,
    rating      smallint    NOT NULL CHECK (rating BETWEEN 1 AND 5),
    title       text,
    body        text,
    written_at  timestamptz NOT NULL
);
CREATE INDEX reviews_product_id_idx ON shop.reviews (product_id);
COMMENT ON TABLE  shop.reviews IS 'What customers say about products; copied nightly from the review service';
COMMENT ON COLUMN shop.reviews.product_id IS 'The product; not enforced, the review service keeps removed ones';
COMMENT ON COLUMN shop.reviews.rating IS 'Stars, 5 is best';

CREATE TABLE shop.events (
    id          bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    customer_id int         REFERENCES shop.customers,
    session_id  uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('view', 'search', 'cart', 'checkout')),
    ip          inet,
    payload     jsonb       NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE shop.events_2025_10 PARTITION OF shop.events FOR VALUES FROM ('2025-10-01') TO ('2025-11-01');
CREATE TABLE shop.events_2025_11 PARTITION OF shop.events FOR VALUES FROM ('2025-11-01') TO ('2025-12-01');
CREATE TABLE shop.events_2025_12 PARTITION OF shop.events FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');
CREATE TABLE shop.events_default PARTITION OF shop.events DEFAULT;
CREATE INDEX events_customer_id_idx ON shop.events (customer_id);
COMMENT ON TABLE  shop.events IS 'Clicks on the web site, one partition per month';
COMMENT ON COLUMN shop.events.customer_id IS 'NULL for visitors without a login';
COMMENT ON COLUMN shop.events.session_id IS 'One visit';
COMMENT ON COLUMN shop.events.payload IS 'view and cart: {"product_id": n}; search: {"query": "..."}';
COMMENT ON TABLE  shop.events_default IS 'Events outside of the monthly partitions; should stay empty';

---------------------------------------------------------------------------------------------------- billing

CREATE TABLE billing.invoices (
    id          int           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      text          NOT NULL UNIQUE,
    order_id    int           NOT NULL UNIQUE REFERENCES shop.orders,
    customer_id int           NOT NULL REFERENCES shop.customers,
    issued_on   date          NOT NULL,
    due_on      date          NOT NULL,
    net         numeric(12,2) NOT NULL,
    tax         numeric(12,2) NOT NULL,
    total       numeric(12,2) GENERATED ALWAYS AS (net + tax) STORED,
    CHECK (due_on >= issued_on)
);
CREATE INDEX invoices_customer_id_idx ON billing.invoices (customer_id);
CREATE INDEX invoices_due_on_idx ON billing.invoices (due_on);
COMMENT ON TABLE  billing.invoices IS 'One invoice for each order that was not cancelled';
COMMENT ON COLUMN billing.invoices.number IS 'As printed: year and running number';
COMMENT ON COLUMN billing.invoices.net IS 'EUR without tax';
COMMENT ON COLUMN billing.invoices.tax IS 'Value added tax in EUR, 19 percent';

CREATE TABLE billing.payments (
    id         int                    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id int                    NOT NULL REFERENCES billing.invoices,
    method     billing.payment_method NOT NULL,
    amount     numeric(12,2)          NOT NULL CHECK (amount > 0),
    paid_at    timestamptz            NOT NULL
);
CREATE INDEX payments_invoice_id_idx ON billing.payments (invoice_id);
COMMENT ON TABLE  billing.payments IS 'Money received; an invoice can be paid in parts';
COMMENT ON COLUMN billing.payments.amount IS 'EUR';

CREATE TABLE billing.payments_import (
    line        int           PRIMARY KEY,
    booked_on   date          NOT NULL,
    amount      numeric(12,2) NOT NULL,
    reference   text          NOT NULL,
    customer_id int,
    invoice_id  int
);
COMMENT ON TABLE  billing.payments_import IS 'The bank''s file of transfers, as received and not yet matched';
COMMENT ON COLUMN billing.payments_import.reference IS 'What the payer wrote';
COMMENT ON COLUMN billing.payments_import.customer_id IS 'Our guess whose it is; nothing enforces it';
COMMENT ON COLUMN billing.payments_import.invoice_id IS 'Our guess what it pays; nothing enforces it';

---------------------------------------------------------------------------------------------------- rows

INSERT INTO shop.categories (id, parent_id, name) VALUES
    (1, NULL, 'Camping'), (2, NULL, 'Clothing'), (3, NULL, 'Footwear'), (4, NULL, 'Climbing'), (5, NULL, 'Travel'),
    (6, 1, 'Tents'), (7, 1, 'Sleeping Bags'), (8, 1, 'Cooking'),
    (9, 2, 'Jackets'), (10, 2, 'Trousers'), (11, 2, 'Base Layers'),
    (12, 3, 'Hiking Boots'), (13, 3, 'Trail Running'), (14, 3, 'Sandals'),
    (15, 4, 'Ropes'), (16, 4, 'Harnesses'), (17, 4, 'Carabiners'),
    (18, 5, 'Backpacks'), (19, 5, 'Luggage'), (20, 5, 'Lights');

INSERT INTO shop.products (id, category_id, sku, name, price, cost, stock, tags, attributes, warranty, added_on, active)
SELECT p.id, category, code || '-' || upper(left(line, 3)) || '-' || lpad(p.id::text, 3, '0'), line || ' ' || noun,
       p.price, round(p.price * (45 + pg_temp.pick(p.id, 2, 25)) / 100, 2),
       pg_temp.pick(p.id, 3, 120),
       CASE pg_temp.pick(p.id, 4, 4) WHEN 0 THEN '{}' WHEN 1 THEN '{waterproof}' WHEN 2 THEN '{lightweight,recycled}' ELSE '{bestseller}' END::text[],
       jsonb_build_object('colour', (ARRAY['black', 'moss', 'sand', 'slate', 'rust', 'navy'])[1 + pg_temp.pick(p.id, 5, 6)],
                          'weight_g', 150 + 10 * pg_temp.pick(p.id, 6, 220)),
       CASE WHEN pg_temp.pick(p.id, 7, 3) > 0 THEN make_interval(years => 1 + pg_temp.pick(p.id, 8, 5)) END,
       date '2022-03-01' + pg_temp.pick(p.id, 9, 1000),
       pg_temp.pick(p.id, 10, 15) > 0
FROM (SELECT (row_number() OVER (ORDER BY category, l))::int AS id, category, code, noun, line,
             base + 10 * (l - 1) + 0.95 AS price
      FROM (VALUES (6, 'TEN', 'Tent', 189), (7, 'SLP', 'Sleeping Bag', 99), (8, 'COO', 'Camp Stove', 39),
                   (9, 'JAC', 'Rain Jacket', 129), (10, 'TRO', 'Hiking Trousers', 69), (11, 'BAS', 'Merino Shirt', 49),
                   (12, 'BOO', 'Hiking Boots', 139), (13, 'RUN', 'Trail Shoes', 99), (14, 'SAN', 'Sandals', 49),
                   (15, 'ROP', 'Dynamic Rope', 109), (16, 'HAR', 'Harness', 59), (17, 'CAR', 'Carabiner Set', 19),
                   (18, 'BAC', 'Backpack', 89), (19, 'LUG', 'Duffel Bag', 79), (20, 'LIG', 'Headlamp', 25)
           ) kinds (category, code, noun, base),
           unnest(ARRAY['Alpine', 'Birch', 'Cedar', 'Delta', 'Ember', 'Fjord', 'Glacier', 'Harbour']) WITH ORDINALITY lines (line, l)) p;

INSERT INTO shop.employees (id, manager_id, name, email, job, hired_on)
SELECT i, CASE WHEN i = 1 THEN NULL WHEN i <= 4 THEN 1 ELSE 2 + i % 3 END, name,
       lower(replace(name, ' ', '.')) || '@fernweh.example',
       CASE WHEN i = 1 THEN 'Managing director' WHEN i <= 4 THEN 'Team lead'
            ELSE (ARRAY['Sales', 'Warehouse', 'Support'])[1 + i % 3] END,
       date '2018-04-01' + 97 * i::int
FROM unnest(ARRAY['Helen Brandt', 'Marcus Doyle', 'Ingrid Falk', 'Samuel Okafor', 'Lena Vogel', 'Tom Ashby', 'Nadia Rahman',
                  'Piotr Nowak', 'Carla Mendes', 'Jonas Weber', 'Amy Fletcher', 'Yusuf Demir', 'Rosa Bianchi', 'Erik Lund',
                  'Grace Kimani', 'Daniel Frost', 'Mei Tanaka', 'Oscar Lindqvist']) WITH ORDINALITY e (name, i);

INSERT INTO shop.customers (first_name, last_name, email, phone, born_on, newsletter, created_at)
SELECT first, last, lower(first) || '.' || lower(replace(last, '''', '')) || i || '@example.' || (ARRAY['com', 'org', 'net'])[1 + i % 3],
       CASE WHEN pg_temp.pick(i, 13, 4) > 0 THEN '+44 20 7946 ' || lpad((i * 37 % 10000)::text, 4, '0') END,
       CASE WHEN pg_temp.pick(i, 14, 5) > 0 THEN date '1950-01-01' + pg_temp.pick(i, 15, 20000) END,
       pg_temp.pick(i, 16, 5) < 2,
       timestamptz '2023-01-02 08:00+00' + make_interval(hours => 42 * i + pg_temp.pick(i, 17, 40))
FROM (SELECT i,
             (ARRAY['Alice', 'Ben', 'Chloe', 'David', 'Emma', 'Felix', 'Grace', 'Henry', 'Isla', 'Jack', 'Karen', 'Liam', 'Maya',
                    'Noah', 'Olivia', 'Peter', 'Quinn', 'Ruth', 'Søren', 'Tara', 'Umar', 'Vera', 'Will', 'Zoë'])[1 + pg_temp.pick(i, 11, 24)] AS first,
             (ARRAY['Adams', 'Baker', 'Clarke', 'Dixon', 'Evans', 'Fischer', 'García', 'Hughes', 'Ivanov', 'Jones', 'Khan', 'Lopez',
                    'Murphy', 'Nguyen', 'O''Brien', 'Patel', 'Quigley', 'Rossi', 'Smith', 'Taylor', 'Usman', 'Varga', 'Walker',
                    'Young'])[1 + pg_temp.pick(i, 12, 24)] AS last
      FROM generate_series(1, 400) i) names
ORDER BY i;

INSERT INTO shop.addresses (customer_id, no, street, postcode, city, country)
SELECT c, no, 1 + pg_temp.pick(c * 3 + no, 18, 180) || ' ' ||
       (ARRAY['High Street', 'Station Road', 'Mill Lane', 'Park Avenue', 'Church Street', 'Kings Road', 'Bridge Street', 'Orchard Way'])[1 + pg_temp.pick(c * 3 + no, 19, 8)],
       lpad((10000 + pg_temp.pick(c * 3 + no, 20, 89999))::text, 5, '0'),
       (ARRAY['London', 'Dublin', 'Berlin', 'Vienna', 'Zürich', 'Amsterdam', 'Oslo', 'Lisbon'])[place],
       (ARRAY['GB', 'IE', 'DE', 'AT', 'CH', 'NL', 'NO', 'PT'])[place]
FROM generate_series(1, 400) c, generate_series(1, 1 + (c % 3) / 2) no, LATERAL (SELECT 1 + pg_temp.pick(c * 3 + no, 21, 8)) p (place);

-- Orders come about every four hours; the old ones are done, the youngest are still on their way.
INSERT INTO shop.orders (customer_id, address_no, employee_id, status, placed_at, shipped_at, delivered_at, note)
SELECT customer, 1 + CASE WHEN customer % 3 = 2 THEN pg_temp.pick(i, 23, 2) ELSE 0 END,
       CASE WHEN pg_temp.pick(i, 24, 8) = 0 THEN 5 + pg_temp.pick(i, 25, 14) END,
       status::shop.order_status, placed,
       CASE WHEN status IN ('shipped', 'delivered') THEN placed + make_interval(hours => 20 + pg_temp.pick(i, 27, 40)) END,
       CASE WHEN status = 'delivered' THEN placed + make_interval(hours => 70 + pg_temp.pick(i, 28, 72)) END,
       CASE pg_temp.pick(i, 29, 20) WHEN 0 THEN 'Please leave with the neighbour' WHEN 1 THEN 'Gift: no price on the slip' END
FROM (SELECT i, 1 + pg_temp.pick(i, 22, 360) * pg_temp.pick(i, 53, 360) / 360 AS customer, -- some are regulars
             timestamptz '2025-01-01 06:00+00' + make_interval(mins => 261 * i + pg_temp.pick(i, 26, 260)) AS placed,
             CASE WHEN pg_temp.pick(i, 30, 25) = 0 THEN 'cancelled' WHEN i > 1985 THEN 'pending' WHEN i > 1965 THEN 'paid'
                  WHEN i > 1935 THEN 'shipped' ELSE 'delivered' END AS status
      FROM generate_series(1, 2000) i) o
ORDER BY i;

INSERT INTO shop.order_items (order_id, line_no, product_id, quantity, unit_price, discount)
SELECT o, l, p.id, 1 + pg_temp.pick(o * 5 + l, 33, 3), p.price,
       CASE pg_temp.pick(o * 5 + l, 34, 10) WHEN 0 THEN 0.10 WHEN 1 THEN 0.25 ELSE 0 END
FROM generate_series(1, 2000) o CROSS JOIN LATERAL generate_series(1, 1 + pg_temp.pick(o, 31, 4)) l
JOIN shop.products p ON p.id = 1 + pg_temp.pick(o * 5 + l, 32, 120) * (20 + pg_temp.pick(o * 5 + l, 54, 101)) / 120;

INSERT INTO shop.returns (order_id, line_no, quantity, reason, refund, returned_on)
SELECT i.order_id, i.line_no, 1, (ARRAY['too small', 'too large', 'damaged', 'not as described', 'changed mind'])[1 + pg_temp.pick(i.order_id, 36, 5)],
       round(i.line_total / i.quantity, 2), o.delivered_at::date + 3 + pg_temp.pick(i.order_id, 37, 20)
FROM shop.order_items i JOIN shop.orders o ON o.id = i.order_id
WHERE o.status = 'delivered' AND pg_temp.pick(i.order_id * 5 + i.line_no, 35, 40) = 0
ORDER BY 1, 2;

INSERT INTO shop.reviews (product_id, customer_id, rating, title, body, written_at)
SELECT i.product_id, o.customer_id, rating,
       (ARRAY['Never again', 'Disappointing', 'It is all right', 'Good value', 'Simply great'])[rating],
       CASE WHEN pg_temp.pick(o.id, 40, 3) > 0 THEN
            (ARRAY['Fell apart on the first trip.', 'Not what the picture promised.', 'Does what it should, no more.',
                   'Used it for a week in the rain, no complaints.', 'The best I have owned so far.'])[rating] END,
       o.delivered_at + make_interval(hours => 30 + pg_temp.pick(o.id, 41, 400))
FROM shop.order_items i JOIN shop.orders o ON o.id = i.order_id,
     LATERAL (SELECT (ARRAY[5, 4, 5, 3, 4, 2, 5, 1, 4, 5])[1 + pg_temp.pick(o.id * 5 + i.line_no, 39, 10)]) r (rating)
WHERE o.status = 'delivered' AND pg_temp.pick(i.order_id * 5 + i.line_no, 38, 6) = 0
ORDER BY i.order_id, i.line_no;

INSERT INTO shop.events (id, occurred_at, customer_id, session_id, kind, ip, payload)
SELECT i, timestamptz '2025-10-01 00:00+00' + make_interval(mins => 33 * i + pg_temp.pick(i, 42, 33)),
       CASE WHEN pg_temp.pick(i / 4, 43, 3) > 0 THEN 1 + pg_temp.pick(i / 4, 44, 400) END,
       md5('visit ' || i / 4)::uuid, kind,
       ('192.0.2.' || pg_temp.pick(i / 4, 46, 254) + 1)::inet,
       CASE WHEN kind IN ('view', 'cart') THEN jsonb_build_object('product_id', 1 + pg_temp.pick(i, 47, 120))
            WHEN kind = 'search' THEN jsonb_build_object('query', (ARRAY['tent', 'boots', 'rain jacket', 'rope'])[1 + pg_temp.pick(i, 48, 4)])
            ELSE '{}' END
FROM generate_series(1, 4000) i,
     LATERAL (SELECT (ARRAY['view', 'view', 'view', 'search', 'cart', 'view', 'search', 'checkout'])[1 + pg_temp.pick(i, 45, 8)]) k (kind);

INSERT INTO billing.invoices (number, order_id, customer_id, issued_on, due_on, net, tax)
SELECT '2025-' || lpad((row_number() OVER (ORDER BY o.id))::text, 5, '0'), o.id, o.customer_id, o.placed_at::date, o.placed_at::date + 14,
       gross - round(gross * 19 / 119, 2), round(gross * 19 / 119, 2)
FROM shop.orders o JOIN (SELECT order_id, sum(line_total) AS gross FROM shop.order_items GROUP BY 1) i ON i.order_id = o.id
WHERE o.status <> 'cancelled'
ORDER BY o.id;

-- One invoice in forty is still open, one in ten was paid in two parts.
INSERT INTO billing.payments (invoice_id, method, amount, paid_at)
SELECT i.id, (ARRAY['card', 'card', 'paypal', 'bank_transfer', 'card', 'paypal', 'gift_card'])[1 + pg_temp.pick(i.id * 2 + part, 51, 7)]::billing.payment_method,
       CASE WHEN parts = 1 THEN i.total WHEN part = 1 THEN round(i.total / 2, 2) ELSE i.total - round(i.total / 2, 2) END,
       o.placed_at + make_interval(hours => 24 * 9 * (part - 1), mins => 1 + pg_temp.pick(i.id, 52, 600))
FROM billing.invoices i JOIN shop.orders o ON o.id = i.order_id,
     LATERAL (SELECT 1 + (pg_temp.pick(i.id, 50, 10) = 0)::int) p (parts), generate_series(1, parts) part
WHERE o.status <> 'pending' AND pg_temp.pick(i.id, 49, 40) > 0
ORDER BY i.id, part;

INSERT INTO billing.payments_import (line, booked_on, amount, reference, customer_id, invoice_id)
SELECT row_number() OVER (ORDER BY p.id), p.paid_at::date + 1, p.amount, 'Invoice ' || i.number || ' ' || c.last_name,
       CASE WHEN p.id % 5 > 0 THEN c.id END, CASE WHEN p.id % 7 > 0 THEN i.id END
FROM billing.payments p JOIN billing.invoices i ON i.id = p.invoice_id JOIN shop.customers c ON c.id = i.customer_id
WHERE p.method = 'bank_transfer';

---------------------------------------------------------------------------------------------------- views

CREATE VIEW shop.order_totals AS
SELECT o.id AS order_id, o.customer_id, c.full_name AS customer, o.status, o.placed_at,
       count(i.line_no) AS lines, coalesce(sum(i.line_total), 0) AS total
FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id LEFT JOIN shop.order_items i ON i.order_id = o.id
GROUP BY o.id, c.id;
COMMENT ON VIEW shop.order_totals IS 'Every order with its customer and what it costs';
COMMENT ON COLUMN shop.order_totals.total IS 'EUR including tax, before returns';

CREATE MATERIALIZED VIEW shop.monthly_sales AS
SELECT date_trunc('month', o.placed_at AT TIME ZONE 'UTC')::date AS month, p.category_id,
       sum(i.quantity) AS pieces, sum(i.line_total) AS revenue
FROM shop.orders o JOIN shop.order_items i ON i.order_id = o.id JOIN shop.products p ON p.id = i.product_id
WHERE o.status <> 'cancelled'
GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_sales_key ON shop.monthly_sales (month, category_id);
COMMENT ON MATERIALIZED VIEW shop.monthly_sales IS 'Pieces and revenue by month and category; refreshed every night';
COMMENT ON COLUMN shop.monthly_sales.revenue IS 'EUR including tax';

DROP FUNCTION pg_temp.pick;

ANALYZE shop.categories, shop.products, shop.employees, shop.customers, shop.addresses, shop.orders, shop.order_items,
        shop.returns, shop.reviews, shop.events, shop.monthly_sales,
        billing.invoices, billing.payments, billing.payments_import;
