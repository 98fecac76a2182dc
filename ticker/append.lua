-- One act on one item, whole or not at all.
-- KEYS: 1 log, 2 meta, 3 items, 4 due, 5 the idempotency record
-- ARGV: 1 act, 2 item id, 3 version that must be the newest ('0': the item is new), 4 item (JSON object without the
--       fields set here), 5 the names of times to set to now (comma separated), 6 expiry: '' none, '+ms' from now, or
--       milliseconds since 1970, 7 fingerprint of the request ('' without idempotency key), 8 life of the idempotency
--       record in ms, 9 entries that the log keeps
-- Returns {'appended' | 'again', cursor, item}, or {'conflict'}, {'stale', newest version}, {'past'}.

local act, id, expected = ARGV[1], ARGV[2], tonumber(ARGV[3])

if ARGV[7] ~= '' then
  local seen = redis.call('HMGET', KEYS[5], 'fingerprint', 'cursor', 'item')
  if seen[1] then
    if seen[1] ~= ARGV[7] then return {'conflict'} end
    return {'again', seen[2], seen[3]}
  end
end

-- Every stored item begins with its version, because this script wrote it so.
local newest = redis.call('HGET', KEYS[3], id)
local version = newest and tonumber(string.match(newest, '^{"version":(%d+)')) or 0
if version ~= expected then return {'stale', number(version)} end

local expires = nil
if string.sub(ARGV[6], 1, 1) == '+' then
  expires = now + tonumber(string.sub(ARGV[6], 2))
elseif ARGV[6] ~= '' then
  expires = tonumber(ARGV[6])
  if expires <= now then return {'past'} end
end

local stamped = '{"version":' .. number(version + 1)
for name in string.gmatch(ARGV[5], '[^,]+') do
  stamped = stamped .. ',"' .. name .. '":' .. number(now)
end
if expires then stamped = stamped .. ',"expires":' .. number(expires) end
local item = stamped .. ',' .. string.sub(ARGV[4], 2)

local epoch, n, last = life()
local cursor = epoch .. '-' .. number(n + 1)
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[9], cursor, 'previous', last, 'act', act, 'item', item)
redis.call('HSET', KEYS[2], 'n', number(n + 1), 'last', cursor)
redis.call('HSET', KEYS[3], id, item)
if expires then
  redis.call('ZADD', KEYS[4], number(expires), id)
else
  redis.call('ZREM', KEYS[4], id)
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[5], 'fingerprint', ARGV[7], 'cursor', cursor, 'item', item)
  redis.call('PEXPIRE', KEYS[5], ARGV[8])
end
return {'appended', cursor, item}
