-- One trade in one statement, which is a transaction: $1 key, $2 stock, $3 side, $4 change of the stock, $5 quantity, $6 cap.
-- Two attempts with one key at the same time violate the key's uniqueness, and one of them has no effect.
WITH moved AS (
  UPDATE stocks SET quantity = quantity + $4::bigint, volume = volume + $5::bigint
  WHERE name = $2 AND quantity + $4::bigint BETWEEN 0 AND $6::bigint
    AND NOT EXISTS (SELECT FROM orders WHERE key = $1)
  RETURNING name
)
INSERT INTO orders (key, stock, side, quantity)
SELECT $1, name, $3, $5::bigint FROM moved
RETURNING order_no
