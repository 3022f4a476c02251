package org.ondemandtls.name;

import java.net.InetAddress;
import java.util.List;

/** Addresses of the public internet: what a stranger's name or URL may lead this server to. */
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

    /** Whether an address is one: not this machine's, not of a private network, not of a group. */
    public static boolean contains(InetAddress address) {
        return NOT_PUBLIC.stream().noneMatch(block -> block.contains(address));
    }
}
