-- A billing application: uuids, codes as keys, states with labels of their own, parents and what replaces them, the one who did it.
CREATE TABLE currencies (code char(3) PRIMARY KEY, name text);
CREATE TABLE countries (code char(2) PRIMARY KEY, currency_code char(3) REFERENCES currencies);
CREATE TABLE organizations (id uuid PRIMARY KEY, name text, country_code char(2) REFERENCES countries);
CREATE TABLE users (id uuid PRIMARY KEY, organization_id uuid REFERENCES organizations, email text UNIQUE, token text UNIQUE);
CREATE TABLE customers (id uuid PRIMARY KEY, organization_id uuid REFERENCES organizations, parent_customer_id uuid REFERENCES customers, email text, token text);
CREATE TABLE plans (id uuid PRIMARY KEY, organization_id uuid REFERENCES organizations, parent_id uuid REFERENCES plans, amount_currency char(3) REFERENCES currencies, code text);
CREATE TABLE charges (id uuid PRIMARY KEY, plan_id uuid REFERENCES plans, kind text);
CREATE TABLE subscriptions (id uuid PRIMARY KEY, customer_id uuid REFERENCES customers, plan_id uuid REFERENCES plans, previous_subscription_id uuid REFERENCES subscriptions, status int);
CREATE TABLE invoices (id uuid PRIMARY KEY, customer_id uuid REFERENCES customers, voided_invoice_id uuid REFERENCES invoices, approved_by_id uuid REFERENCES users, number text, currency_code char(3) REFERENCES currencies);
CREATE TABLE fees (id uuid PRIMARY KEY, invoice_id uuid REFERENCES invoices, charge_id uuid REFERENCES charges, subscription_id uuid REFERENCES subscriptions, units numeric);
CREATE TABLE credit_notes (id uuid PRIMARY KEY, invoice_id uuid REFERENCES invoices, customer_id uuid REFERENCES customers, reason int);
CREATE TABLE credit_note_items (id uuid PRIMARY KEY, credit_note_id uuid REFERENCES credit_notes, fee_id uuid REFERENCES fees, amount_cents bigint);
CREATE TABLE payment_requests (id uuid PRIMARY KEY, invoice_id uuid REFERENCES invoices, requester_id uuid REFERENCES users, email text);
