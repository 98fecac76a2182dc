-- Rows for the targets of one lot, once for each version.
-- KEYS: 1 rows, 2 queue, 3 counts of the item, 4 what is planned of this version, 5 lots of the item
-- ARGV: 1 lot, 2 bucket, 3 provider, 4 version, 5 row, 6 when it is due, 7 '1': also for all who had an earlier
--       version, 8 ms for which what is left of an item is kept, 9 ms for which a plan is remembered; then target ids
-- Returns the number of new rows, -1 when this was planned before.

if redis.call('HSETNX', KEYS[4], ARGV[3] .. '/' .. ARGV[2], '1') == 0 then return -1 end
redis.call('PEXPIRE', KEYS[4], ARGV[9])
local fresh = 0
for place = 10, #ARGV do
  fresh = fresh + redis.call('HSETNX', KEYS[1], ARGV[4] .. '/' .. ARGV[place], ARGV[5])
end
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], ARGV[4] .. '/*', ARGV[5]) end
if fresh > 0 then redis.call('HINCRBY', KEYS[3], ARGV[4] .. '/' .. ARGV[3] .. '/pending', fresh) end
redis.call('PEXPIRE', KEYS[3], ARGV[8])
if fresh > 0 or ARGV[7] == '1' then
  -- A lot that somebody sees to is due again when he lays it down.
  if not redis.call('HGET', KEYS[1], '!') then
    local before = redis.call('ZSCORE', KEYS[2], ARGV[1])
    local due = math.min(tonumber(before or ARGV[6]), tonumber(ARGV[6]))
    redis.call('ZADD', KEYS[2], string.format('%.0f', due), ARGV[1])
  end
  redis.call('SADD', KEYS[5], ARGV[2])
  redis.call('PEXPIRE', KEYS[5], ARGV[8])
end
return fresh
