package org.ondemandtls.name;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The block of addresses a client comes from, which is as far as one client can be told from
 * another: 24 bits of an IPv4 address, 56 bits of an IPv6 address.
 *
 * @param value the kind and the leading octets, or {@code "local"} or {@code "shared"}; fit for comparison and for a log
 */
public record ClientBlock(String value) {

    /** Loopback, local sockets, and whatever has no address: never counted against anybody. */
    public static final ClientBlock LOCAL = new ClientBlock("local");

    /** An address that is nobody's in particular, a balancer's: counted against no client, yet a visitor's. */
    public static final ClientBlock SHARED = new ClientBlock("shared");

    private static final int IPV4_OCTETS = 3;
    private static final int IPV6_OCTETS = 7;

    /**
     * The block of a peer.
     *
     * @param peer the peer's address, null if it is not known
     * @return its block; {@link #LOCAL} for loopback and for anything without an IP address
     */
    public static ClientBlock of(@Nullable SocketAddress peer) {
        return peer instanceof InetSocketAddress inet && inet.getAddress() != null ? of(inet.getAddress()) : LOCAL;
    }

    /**
     * The block of a peer where some are not to be counted.
     *
     * @param peer the peer's address, null if it is not known
     * @param trusted the addresses that are nobody's in particular, a balancer's for example
     * @return its block; {@link #SHARED} for these
     */
    public static ClientBlock of(@Nullable SocketAddress peer, List<AddressBlock> trusted) {
        boolean uncounted = peer instanceof InetSocketAddress inet
                && inet.getAddress() != null
                && !inet.getAddress().isLoopbackAddress()
                && trusted.stream().anyMatch(block -> block.contains(inet.getAddress()));
        return uncounted ? SHARED : of(peer);
    }

    /**
     * The block of an address.
     *
     * @param address the address; an IPv4 address mapped into IPv6 counts as IPv4, as the JDK makes it
     * @return its block
     */
    public static ClientBlock of(InetAddress address) {
        if (address.isLoopbackAddress()) {
            return LOCAL;
        }
        byte[] octets = address.getAddress();
        boolean ipv4 = octets.length == 4;
        byte[] leading = Arrays.copyOf(octets, ipv4 ? IPV4_OCTETS : IPV6_OCTETS);
        return new ClientBlock((ipv4 ? "4:" : "6:") + HexFormat.of().formatHex(leading));
    }

    /** Whether what comes from here is counted against it. */
    public boolean isCounted() {
        return !equals(LOCAL) && !equals(SHARED);
    }

    @Override
    public String toString() {
        return value;
    }
}
