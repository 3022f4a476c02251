package org.ondemandtls.status.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.util.Optional;
import java.util.function.Predicate;

/** A request as a host has it; each method is called on the thread that asked {@link StatusSite} to answer. */
public interface SiteRequest {

    /** The method, in upper case. */
    String method();

    /** The path as it was sent, from the first slash on, without a query. */
    String path();

    /** The query as it was sent, empty where there is none. */
    String query();

    /**
     * The first value of a header.
     *
     * @param name its name, in any case
     */
    Optional<String> header(String name);

    /** The address the connection comes from, or what a trusted proxy says of it; empty where it is not known. */
    Optional<InetAddress> peer();

    /** Whether it came by HTTPS. */
    boolean secure();

    /**
     * The content.
     *
     * @param most how many octets at most
     * @throws IOException if it cannot be read, or is longer
     */
    byte[] content(int most) throws IOException;

    /**
     * Reads a content, for the hosts' {@link #content}.
     *
     * @param in where it comes from, which is not closed
     * @param most how many octets at most
     * @throws IOException if it cannot be read, or is longer
     */
    static byte[] read(InputStream in, int most) throws IOException {
        byte[] content = in.readNBytes(most + 1);
        if (content.length > most) {
            throw new IOException("longer than " + most + " octets");
        }
        return content;
    }

    /** Whom the server has let in already, told by the roles he has; empty where nobody has logged in. */
    Optional<Predicate<String>> user();

    /**
     * Has the server's own users log in.
     *
     * @param name the user's name
     * @param password the password
     * @return the roles the user has, empty where the server does not know him by that password
     */
    Optional<Predicate<String>> login(String name, String password);
}
