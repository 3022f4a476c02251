[description]
Redirects plain HTTP to HTTPS for the server names that have a certificate; all others stay on HTTP.

[tags]
handler

[depend]
ondemand-tls

[xml]
etc/ondemand-tls-redirect.xml

[ini-template]
## The port clients are sent to, where it is not the one Jetty's TLS connector listens on: behind a forwarded port.
# jetty.httpConfig.securePort=443
