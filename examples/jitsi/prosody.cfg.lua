-- For /etc/prosody/conf.avail/meet.example.org.cfg.lua, above the VirtualHost lines. The secret is that of /etc/turnd/auth-secret.
external_service_secret = "replace-me";
external_services = {
    { type = "stun", host = "meet.example.org", port = 3478 },
    { type = "turn", host = "meet.example.org", port = 3478, transport = "udp", secret = true, ttl = 86400, algorithm = "turn" },
    { type = "turns", host = "meet.example.org", port = 5349, transport = "tcp", secret = true, ttl = 86400, algorithm = "turn" },
};

-- And among the modules of the host:
-- VirtualHost "meet.example.org"
--     modules_enabled = { "external_services"; … }
