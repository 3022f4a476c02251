[description]
Shakes hands with the TLS engine of Conscrypt instead of the JDK's: less processor time, and the post-quantum key exchange
X25519MLKEM768. Downloads Conscrypt with its native library: Linux with glibc, macOS or Windows.

[tags]
3rdparty
ssl

[depend]
ondemand-tls

[files]
maven://org.conscrypt/conscrypt-openjdk-uber/${ondemand-tls.conscrypt.version}|lib/ondemand-tls/conscrypt/conscrypt-openjdk-uber-${ondemand-tls.conscrypt.version}.jar

[lib]
lib/ondemand-tls/conscrypt/conscrypt-openjdk-uber-${ondemand-tls.conscrypt.version}.jar
lib/jetty-alpn-conscrypt-server-${jetty.version}.jar

[license]
Conscrypt is distributed under the Apache License 2.0.
https://github.com/google/conscrypt/blob/master/LICENSE

[ini]
ondemand-tls.conscrypt.version?=2.9.0
jetty.webapp.addHiddenClasses+=,org.conscrypt.
onDemandTls.tls.provider?=conscrypt
