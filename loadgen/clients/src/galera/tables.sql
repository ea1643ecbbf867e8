CREATE DATABASE IF NOT EXISTS bazaar CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS bazaar.stocks (
  name varchar(255) PRIMARY KEY,
  quantity bigint NOT NULL CHECK (quantity >= 0),
  volume bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS bazaar.orders (
  order_no bigint UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  request_key varchar(255) NOT NULL UNIQUE,
  stock varchar(255) NOT NULL,
  side varchar(4) NOT NULL,
  quantity bigint NOT NULL
);
CREATE USER IF NOT EXISTS reader;
CREATE USER IF NOT EXISTS writer;
GRANT SELECT ON bazaar.* TO reader;
GRANT SELECT, INSERT, UPDATE ON bazaar.* TO writer;
