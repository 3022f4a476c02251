package org.ondemandtls.status.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A request as a host has it; each method is called on the thread that asked {@link StatusSite} to answer. */
public interface SiteRequest {

    /** How an address is written, brackets around IPv6 or not. A name never is: it would be looked up. */
    Pattern ADDRESS = Pattern.compile("\\[?[0-9a-fA-F]{0,4}:[0-9a-fA-F:.]{1,45}(?:%[0-9A-Za-z]{1,16})?]?"
            + "|(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\\.(?!$)|$)){4}");

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

    /**
     * Reads an address, for the hosts' {@link #peer}. Never blocks: no name is looked up.
     *
     * @param written how the server writes it
     * @param isSaid whether it was read from a header, which anybody may have written: it is not this machine's then
     * @return the address, empty where there is none
     */
    static Optional<InetAddress> address(@Nullable String written, boolean isSaid) {
        if (written == null || !ADDRESS.matcher(written).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByName(written)).filter(peer -> !isSaid || !peer.isLoopbackAddress());
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

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
