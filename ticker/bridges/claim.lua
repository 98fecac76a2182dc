-- One worker takes a lot, for as long as he keeps saying so.
-- KEYS: 1 queue, 2 rows, 3 who had which version, 4 counts of the item
-- ARGV: 1 lot, 2 token, 3 ms until it is free again, 4 provider, 5 ms for which is kept who had what
-- Returns the time, rows, and who had which version; nothing when it is not due or somebody else was faster.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function number(n) return string.format('%.0f', n) end

local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > now then return false end
redis.call('ZADD', KEYS[1], number(now + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], '!', ARGV[2])

local function newer(target, version)
  local before = redis.call('HGET', KEYS[3], target)
  return not before or tonumber(before) < version
end

local fields = redis.call('HGETALL', KEYS[2])
-- What was being sent when its worker died may have arrived.
for place = 1, #fields, 2 do
  local version, target = string.match(fields[place], '^(%d+)/(.+)$')
  if version and string.match(fields[place + 1], '^%d+,%d+,1,') then
    redis.call('HSETNX', KEYS[3], target, version)
    redis.call('PEXPIRE', KEYS[3], ARGV[5])
  end
end
-- Nothing older is under way now, so it is known who had it.
for place = 1, #fields, 2 do
  local version = string.match(fields[place], '^(%d+)/%*$')
  if version then
    local added = 0
    for _, target in ipairs(redis.call('HKEYS', KEYS[3])) do
      if newer(target, tonumber(version)) then
        added = added + redis.call('HSETNX', KEYS[2], version .. '/' .. target, fields[place + 1])
      end
    end
    if added > 0 then redis.call('HINCRBY', KEYS[4], version .. '/' .. ARGV[4] .. '/pending', added) end
    redis.call('HDEL', KEYS[2], fields[place])
  end
end
return {number(now), redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}
