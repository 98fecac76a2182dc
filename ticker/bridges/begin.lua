-- These rows are about to be sent; the item is read in the same step.
-- KEYS: 1 queue, 2 rows, 3 items
-- ARGV: 1 lot, 2 token, 3 ms until the lot is free again, 4 item; then rows, and what is noted of each
-- Returns the time and the item; nothing when the lot is somebody else's by now.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function number(n) return string.format('%.0f', n) end

if redis.call('HGET', KEYS[2], '!') ~= ARGV[2] then return false end
redis.call('ZADD', KEYS[1], number(now + ARGV[3]), ARGV[1])
for place = 5, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[place]) == 1 then redis.call('HSET', KEYS[2], ARGV[place], ARGV[place + 1]) end
end
return {number(now), redis.call('HGET', KEYS[3], ARGV[4]) or ''}
