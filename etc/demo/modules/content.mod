[description]
Serves the files under $JETTY_BASE/content, on every host name.

[depend]
server

[xml]
etc/content.xml
