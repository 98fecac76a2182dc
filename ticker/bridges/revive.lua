-- A dead letter becomes a row again.
-- KEYS: 1 dead letters, 2 rows, 3 queue, 4 counts of the item, 5 lots of the item
-- ARGV: 1 letter, 2 row field, 3 row, 4 lot, 5 bucket, 6 version/provider, 7 ms for which counts are kept
-- Returns 1, or 0 when the letter is gone.

if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 1 then
  redis.call('HINCRBY', KEYS[4], ARGV[6] .. '/dead_lettered', -1)
  redis.call('HINCRBY', KEYS[4], ARGV[6] .. '/pending', 1)
end
redis.call('PEXPIRE', KEYS[4], ARGV[7])
redis.call('SADD', KEYS[5], ARGV[5])
redis.call('PEXPIRE', KEYS[5], ARGV[7])
if not redis.call('HGET', KEYS[2], '!') then redis.call('ZADD', KEYS[3], string.match(ARGV[3], '^%d+'), ARGV[4]) end
return 1
