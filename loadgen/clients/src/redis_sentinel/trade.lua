-- One trade, at once or not at all: everything is looked at before anything is written.
-- KEYS: the stock, orders by number, order numbers by key, the last order's number.
-- ARGV: the trade's key, the change of the stock, how many are traded, the cap or "", the order as it is kept.
local known = redis.call('HGET', KEYS[3], ARGV[1])
if known then
  -- Written once more, so that there is something to WAIT for: the connection that wrote it first may be another one.
  redis.call('HSET', KEYS[3], ARGV[1], known)
  return {'ok', known}
end
local quantity = tonumber(redis.call('HGET', KEYS[1], 'quantity'))
if not quantity then
  return {'rejected', 'no stock'}
end
local after = quantity + tonumber(ARGV[2])
if after < 0 then
  return {'rejected', 'too few'}
end
if ARGV[4] ~= '' and after > tonumber(ARGV[4]) then
  return {'rejected', 'over cap'}
end
local number = string.format('%d', redis.call('INCR', KEYS[4]))
redis.call('HINCRBY', KEYS[1], 'quantity', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'volume', ARGV[3])
redis.call('HSET', KEYS[2], number, ARGV[5])
redis.call('HSET', KEYS[3], ARGV[1], number)
return {'ok', number}
