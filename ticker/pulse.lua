-- A heartbeat of the log, read back by every fan-out process through the same read as the entries.
-- KEYS: 1 log, 2 meta, 3 pulse, 4 due   ARGV: 1 least distance of two pulses in ms, 2 greatest number of due items
-- Returns the log's cursor, the time, and the ids of items whose time has come, earliest first.
-- Every process calls this; the first one in each interval writes. A fault is seen here within one interval, even
-- when nobody posts.

local epoch, n, last = life()
local before = tonumber(redis.call('HGET', KEYS[2], 'pulsed') or '0')
-- A clock that was set back must not silence the pulse.
if now - before >= tonumber(ARGV[1]) or now < before then
  redis.call('XADD', KEYS[3], 'MAXLEN', '=', 1, '*', 'cursor', epoch .. '-' .. number(n), 'last', last, 'at', number(now),
    'format', FORMAT)
  redis.call('HSET', KEYS[2], 'pulsed', number(now))
end
return {epoch .. '-' .. number(n), number(now), redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, ARGV[2])}
