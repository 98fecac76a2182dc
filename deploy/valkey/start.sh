#!/bin/sh
# Starts what the store's containers run: `start.sh primary|replica|sentinel ADDRESS [PRIMARY]`, where ADDRESS is its own.
#
# The users' passwords come from the environment and are written only to memory (/tmp). What a Sentinel decides (who is
# the primary now) is kept in /data, so that a container that comes back does not come back as what it was before.
set -eu
umask 077

for name in API FANOUT PUSH REPLICA; do
    eval "password=\${STORE_PASSWORD_$name-}"
    case $password in
    "" | *[!A-Za-z0-9_-]*)
        echo "STORE_PASSWORD_$name is empty, or has other characters than letters, digits, '_' and '-'." >&2
        exit 1
        ;;
    esac
done

if [ "$1" = sentinel ]; then
    if [ ! -s /data/sentinel.conf ]; then
        cat >/data/sentinel.conf <<END
port 26379
dir /tmp
protected-mode no
sentinel announce-ip $2
sentinel monitor ticker $3 6379 2
sentinel auth-user ticker sentinel
sentinel auth-pass ticker $STORE_PASSWORD_REPLICA
sentinel down-after-milliseconds ticker 5000
sentinel failover-timeout ticker 30000
sentinel parallel-syncs ticker 1
END
    fi
    exec valkey-sentinel /data/sentinel.conf
fi

sed -e "s/\${STORE_PASSWORD_API}/$STORE_PASSWORD_API/" -e "s/\${STORE_PASSWORD_FANOUT}/$STORE_PASSWORD_FANOUT/" \
    -e "s/\${STORE_PASSWORD_PUSH}/$STORE_PASSWORD_PUSH/" -e "s/\${STORE_PASSWORD_REPLICA}/$STORE_PASSWORD_REPLICA/" \
    /etc/ticker/users.acl.template >/tmp/users.acl
if [ ! -s /data/valkey.conf ]; then
    echo "dir /data" >/data/valkey.conf
    if [ "$1" = replica ]; then
        echo "replicaof $3 6379" >>/data/valkey.conf
    fi
fi
# No snapshots beside the append-only file, and no eviction: an evicted key is a lost log.
exec valkey-server /data/valkey.conf \
    --aclfile /tmp/users.acl --masteruser replica --masterauth "$STORE_PASSWORD_REPLICA" --replica-announce-ip "$2" \
    --appendonly yes --appendfsync "${TICKER_FSYNC:-everysec}" --save "" --maxmemory-policy noeviction \
    --min-replicas-to-write "${STORE_MIN_REPLICAS:-0}" --min-replicas-max-lag 10
