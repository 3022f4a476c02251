package org.ondemandtls.distribution;

import java.io.IOException;
import java.nio.file.Path;

/** Every server the archives are for, laid out so that one test drives them all. */
enum ServerLine {
    /** The oldest supported Jetty. */
    JETTY_12_0,
    /** The current one. */
    JETTY_12_1,
    /** The oldest supported line of Tomcat. */
    TOMCAT_10_1,
    /** The current one. */
    TOMCAT_11;

    /** A server with the archive unpacked over it and nothing but its defaults, not started yet. */
    interface Subject extends AutoCloseable {

        /** Gives a key, from the next start on. */
        Subject key(String name, String value) throws IOException;

        /** Starts it and returns when it accepts connections. */
        void start() throws IOException;

        /** Asks it to stop, and returns when it has. */
        void stop();

        /** The port of TLS. */
        int tlsPort();

        /** The server's base directory. */
        Path base();

        /** Where jars are put that the server itself is to see. */
        Path jars();

        /** What it wrote since its last start. */
        String log();

        @Override
        void close();
    }

    /** Lays a server out that deploys what lies in its {@code webapps} while it runs. */
    Subject layOut(Path base) throws IOException {
        return switch (this) {
            case JETTY_12_0 -> jetty(JettyLine.JETTY_12_0, base);
            case JETTY_12_1 -> jetty(JettyLine.JETTY_12_1, base);
            case TOMCAT_10_1 -> new OfTomcat(TomcatServerProcess.layOut(TomcatLine.TOMCAT_10_1, base));
            case TOMCAT_11 -> new OfTomcat(TomcatServerProcess.layOut(TomcatLine.TOMCAT_11, base));
        };
    }

    /** Whether it is a Jetty. */
    boolean isJetty() {
        return this == JETTY_12_0 || this == JETTY_12_1;
    }

    private static Subject jetty(JettyLine line, Path base) throws IOException {
        JettyServerProcess server =
                JettyServerProcess.layOut(line, base, "ondemand-tls", "ee10-deploy", "jndi", "plus");
        server.property("jetty.deploy.scanInterval", "1");
        return new OfJetty(server);
    }

    private record OfJetty(JettyServerProcess server) implements Subject {

        @Override
        public Subject key(String name, String value) throws IOException {
            server.property(name, value);
            return this;
        }

        @Override
        public void start() throws IOException {
            server.start();
        }

        @Override
        public void stop() {
            server.stop();
        }

        @Override
        public int tlsPort() {
            return server.tlsPort();
        }

        @Override
        public Path base() {
            return server.base();
        }

        @Override
        public Path jars() {
            return server.base().resolve("lib/ondemand-tls");
        }

        @Override
        public String log() {
            return server.log();
        }

        @Override
        public void close() {
            server.close();
        }
    }

    private record OfTomcat(TomcatServerProcess server) implements Subject {

        @Override
        public Subject key(String name, String value) {
            server.property(name, value);
            return this;
        }

        @Override
        public void start() throws IOException {
            server.start();
        }

        @Override
        public void stop() {
            server.stop();
        }

        @Override
        public int tlsPort() {
            return server.tlsPort();
        }

        @Override
        public Path base() {
            return server.base();
        }

        @Override
        public Path jars() {
            return server.base().resolve("lib");
        }

        @Override
        public String log() {
            return server.log();
        }

        @Override
        public void close() {
            server.close();
        }
    }
}
