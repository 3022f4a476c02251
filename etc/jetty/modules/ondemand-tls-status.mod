[description]
Offers the management page of On-Demand TLS at /ondemand-tls/, its JSON API and its figures: from this machine, to users of
the server who have a role for it.

[tags]
handler

[depend]
ondemand-tls
security

[xml]
etc/ondemand-tls-status.xml

[ini-template]
## File of the users: a line each, NAME: PASSWORD,ROLE with the password as Jetty's Password tool writes it and the role
## ondemand-tls-look or ondemand-tls-act. Without it, the LoginService that the server has is asked.
# jetty.ondemandTlsStatus.users=etc/ondemand-tls-users.properties
