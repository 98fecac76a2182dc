-- Heartbeats of logs, read back by every fan-out process through the same read as the entries.
-- KEYS: for each log 1 log, 2 meta, 3 pulse, 4 due
-- ARGV: 1 least distance of two pulses in ms, 2 greatest number of due items
-- Returns for each log {cursor, time, ids of items whose time has come, earliest first, when the next one's comes or ''},
-- or {'', what it was refused with}: one log that cannot be written keeps no other from living.
-- Every process calls this; the first one in each interval writes. A fault is seen here within one interval, even
-- when nobody posts.

local function beat(log, meta, pulse, due)
  local epoch, n, last = life(log, meta)
  local before = tonumber(redis.call('HGET', meta, 'pulsed') or '0')
  -- A clock that was set back must not silence the pulse.
  if now - before >= tonumber(ARGV[1]) or now < before then
    redis.call('XADD', pulse, 'MAXLEN', '=', 1, '*', 'cursor', epoch .. '-' .. number(n), 'last', last,
      'at', number(now), 'format', FORMAT)
    redis.call('HSET', meta, 'pulsed', number(now))
  end
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[2])
  local next = redis.call('ZRANGEBYSCORE', due, '(' .. number(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return {epoch .. '-' .. number(n), number(now), found, next[2] or ''}
end

local told = {}
for place = 1, #KEYS, 4 do
  local done, found = pcall(beat, KEYS[place], KEYS[place + 1], KEYS[place + 2], KEYS[place + 3])
  told[#told + 1] = done and found or {'', type(found) == 'table' and found.err or tostring(found)}
end
return told
