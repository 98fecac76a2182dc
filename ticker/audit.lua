-- The record of who did what, in the same step as the act. Prepended to append.lua and record.lua, after epoch.lua.
-- Records are numbered 1, 2, 3 without holes, and each holds a hash of itself and of the one before.
-- KEYS[2] meta

local NOTHING = string.rep('0', 40)

-- What is hashed: the hash before, then each field and value with its length, so that no two records read alike.
-- `fields` is a list of names and values.
local function record(key, fields)
  local head = redis.call('HMGET', KEYS[2], 'audited', 'audit_hash')
  local n, previous = tonumber(head[1] or '0') or 0, head[2] or NOTHING
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  if newest and tonumber(string.match(newest[1], '^%d+')) > n then
    n, previous = tonumber(string.match(newest[1], '^%d+')), newest[2][#newest[2]]
  end
  n = n + 1
  local text = previous .. number(n)
  for place = 1, #fields do
    text = text .. ' ' .. #fields[place] .. ':' .. fields[place]
  end
  local hash = redis.sha1hex(text)
  fields[#fields + 1] = 'hash'
  fields[#fields + 1] = hash
  redis.call('XADD', key, number(n) .. '-0', unpack(fields))
  redis.call('HSET', KEYS[2], 'audited', number(n), 'audit_hash', hash)
  return n
end
