-- A target registered, or taken away.
-- KEYS: 1 targets of the bucket, 2 names of the buckets, 3 how many targets there are
-- ARGV: 1 id, 2 bucket, 3 provider, 4 the target (JSON) or empty, 5 most of this provider;
--       6 what has to stand there for it to be taken away, or nothing
-- Returns 1 when it was done, 0 when there was nothing to do, -1 when there are too many.

local before = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[4] ~= '' then
  if not before then
    if tonumber(redis.call('HGET', KEYS[3], ARGV[3]) or '0') >= tonumber(ARGV[5]) then return -1 end
    redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
    redis.call('SADD', KEYS[2], ARGV[2])
  end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
  return 1
end
-- Whoever registered again in the meantime is there again.
if not before or (ARGV[6] and ARGV[6] ~= before) then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HINCRBY', KEYS[3], ARGV[3], -1)
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
return 1
