package org.ondemandtls.name;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;

/** Addresses of the public internet: what a stranger's name or URL may lead this server to, and a CA can reach. */
public final class PublicAddresses {

    private static final List<AddressBlock> NOT_PUBLIC = List.of(
            AddressBlock.parse("0.0.0.0/8"),
            AddressBlock.parse("10.0.0.0/8"),
            AddressBlock.parse("100.64.0.0/10"),
            AddressBlock.parse("127.0.0.0/8"),
            AddressBlock.parse("169.254.0.0/16"),
            AddressBlock.parse("172.16.0.0/12"),
            AddressBlock.parse("192.168.0.0/16"),
            AddressBlock.parse("224.0.0.0/3"),
            AddressBlock.parse("::/3"),
            AddressBlock.parse("fc00::/7"),
            AddressBlock.parse("fe80::/9"),
            AddressBlock.parse("ff00::/8"));

    private PublicAddresses() {}

    /** Whether the whole internet means the same machine by an address; a few comparisons. */
    public static boolean contains(InetAddress address) {
        return NOT_PUBLIC.stream().noneMatch(block -> block.contains(address));
    }

    /** Whether a block begins with an address that is not public; a few comparisons. */
    public static boolean isPrivate(AddressBlock block) {
        return NOT_PUBLIC.stream().anyMatch(other -> other.contains(first(block)));
    }

    /**
     * Whether this machine has a public address itself, of the same kind as another one. Where it has none there is a
     * translator between, and many of those answer themselves when they are asked from inside. Asks the system.
     *
     * @param other an address of the kind in question
     */
    public static boolean hasOneLike(InetAddress other) {
        try {
            return NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .anyMatch(own -> own.getAddress().length == other.getAddress().length && contains(own));
        } catch (SocketException e) {
            // Nothing is known, so nothing is certain.
            return false;
        }
    }

    /** Whether this machine has an address itself. Asks the system. */
    public static boolean isOwn(InetAddress address) {
        try {
            return NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            return false;
        }
    }

    private static InetAddress first(AddressBlock block) {
        try {
            return InetAddress.getByAddress(block.prefix());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 octets", e);
        }
    }
}
