-- The lots that are due, and when the next one will be.
-- KEYS: the queues   ARGV: 1 most of each
-- Returns the time, and for each queue its due lots and the moment of the next one ('' for none), and how many it has.

local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
local found = {now}
for place = 1, #KEYS do
  local due = redis.call('ZRANGEBYSCORE', KEYS[place], '-inf', now, 'LIMIT', 0, ARGV[1])
  local next = redis.call('ZRANGEBYSCORE', KEYS[place], '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  found[#found + 1] = {due, next[2] or '', redis.call('ZCARD', KEYS[place])}
end
return found
