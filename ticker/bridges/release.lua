-- A worker lays a lot down: it is due when the first of its rows is, and gone when it has none.
-- KEYS: 1 queue, 2 rows   ARGV: 1 lot, 2 token
-- Returns the moment at which it is due, '' when it is over, nothing when it is somebody else's by now.

if redis.call('HGET', KEYS[2], '!') ~= ARGV[2] then return false end
redis.call('HDEL', KEYS[2], '!')
local due = nil
for _, row in ipairs(redis.call('HVALS', KEYS[2])) do
  local moment = tonumber(string.match(row, '^%d+'))
  due = math.min(due or moment, moment)
end
if not due then
  redis.call('ZREM', KEYS[1], ARGV[1])
  return ''
end
redis.call('ZADD', KEYS[1], string.format('%.0f', due), ARGV[1])
return string.format('%.0f', due)
