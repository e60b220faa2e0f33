-- Note when a secret of a token was last used: the present one, or that from before the rotation.
update tokens
set
    last_used_at = iif(secret_sha256 = ?2, max(coalesce(last_used_at, 0), ?3), last_used_at),
    previous_last_used_at = iif(previous_sha256 = ?2, max(coalesce(previous_last_used_at, 0), ?3), previous_last_used_at)
where accessor = ?1;
