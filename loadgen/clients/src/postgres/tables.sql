CREATE TABLE IF NOT EXISTS stocks (
  name text PRIMARY KEY,
  quantity bigint NOT NULL CHECK (quantity >= 0),
  volume bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
  order_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE,
  stock text NOT NULL REFERENCES stocks (name),
  side text NOT NULL,
  quantity bigint NOT NULL
);
