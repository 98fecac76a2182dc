-- What became of some rows. A row that has ended is a number from then on.
-- KEYS: 1 rows, 2 who had which version, 3 counts of the item, 4 dead letters
-- ARGV: 1 token, 2 provider, 3 ms for which is kept who had what, 4 ms for which counts are kept, 5 most dead letters;
--       then for each row: field, outcome ('' when it is to be tried again), '1' when the target may have it,
--       the row as it is to stand, or its dead letter
-- Returns how many ended.

local mine = redis.call('HGET', KEYS[1], '!') == ARGV[1]
local ended = 0
for place = 6, #ARGV, 4 do
  local field, outcome, had, data = ARGV[place], ARGV[place + 1], ARGV[place + 2], ARGV[place + 3]
  local version, target = string.match(field, '^(%d+)/(.+)$')
  -- That it was accepted is true whoever has the lot by now.
  if (mine or outcome == 'accepted') and redis.call('HEXISTS', KEYS[1], field) == 1 then
    if outcome == 'accepted' then
      local before = redis.call('HGET', KEYS[2], target)
      if not before or tonumber(before) < tonumber(version) then redis.call('HSET', KEYS[2], target, version) end
    elseif had == '1' then
      -- What it may have does not stand for more than what it surely has.
      redis.call('HSETNX', KEYS[2], target, version)
    end
    if outcome == '' then
      redis.call('HSET', KEYS[1], field, data)
    else
      redis.call('HDEL', KEYS[1], field)
      redis.call('HINCRBY', KEYS[3], version .. '/' .. ARGV[2] .. '/pending', -1)
      redis.call('HINCRBY', KEYS[3], version .. '/' .. ARGV[2] .. '/' .. outcome, 1)
      if outcome == 'dead_lettered' then redis.call('XADD', KEYS[4], 'MAXLEN', '=', ARGV[5], '*', 'letter', data) end
      ended = ended + 1
    end
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return ended
