package org.ondemandtls.name;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A block of IP addresses: those whose leading bits are the same.
 *
 * @param prefix the octets of the first address of the block, 4 or 16; do not write to it
 * @param bits how many leading bits count
 */
public record AddressBlock(byte[] prefix, int bits) {

    // What is of these forms is an address or nothing, so that no name is ever looked up: 10.0.0.256 would be one.
    private static final Pattern FORM = Pattern.compile("([0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:/([0-9]{1,3}))?");
    private static final String OCTET = "(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])";
    private static final Pattern DOTTED = Pattern.compile(OCTET + "(\\." + OCTET + "){3}");

    /**
     * Reads a block as an operator writes it.
     *
     * @param text an address, or an address, a slash, and a number of bits: {@code 10.0.0.0/8}, {@code 2001:db8::/32}
     * @return the block
     * @throws IllegalArgumentException if it is none
     */
    public static AddressBlock parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()
                || (text.indexOf(':') < 0 && !DOTTED.matcher(form.group(1)).matches())) {
            throw new IllegalArgumentException("not a block of addresses");
        }
        byte[] octets;
        try {
            octets = InetAddress.getByName(form.group(1)).getAddress();
        } catch (UnknownHostException malformed) {
            throw new IllegalArgumentException("not a block of addresses", malformed);
        }
        int most = octets.length * Byte.SIZE;
        int bits = form.group(2) == null ? most : Integer.parseInt(form.group(2));
        if (bits > most) {
            throw new IllegalArgumentException("more bits than the address has");
        }
        for (int bit = bits; bit < most; bit++) {
            octets[bit / Byte.SIZE] &= (byte) ~(0x80 >> (bit % Byte.SIZE));
        }
        return new AddressBlock(octets, bits);
    }

    /** Whether an address is in the block; a few comparisons. */
    public boolean contains(InetAddress address) {
        byte[] octets = address.getAddress();
        if (octets.length != prefix.length) {
            return false;
        }
        int whole = bits / Byte.SIZE;
        if (!Arrays.equals(octets, 0, whole, prefix, 0, whole)) {
            return false;
        }
        int rest = bits % Byte.SIZE;
        return rest == 0 || (octets[whole] & (0xff00 >> rest) & 0xff) == (prefix[whole] & 0xff);
    }

    /** Whether it is a block of IPv4. */
    public boolean isIpv4() {
        return prefix.length == 4;
    }

    /** As short as an operator writes it: a single address without its number of bits. */
    public String shortText() {
        String text = toString();
        return bits == prefix.length * Byte.SIZE ? text.substring(0, text.indexOf('/')) : text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AddressBlock block && bits == block.bits && Arrays.equals(prefix, block.prefix);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(prefix) + bits;
    }

    @Override
    public String toString() {
        try {
            return InetAddress.getByAddress(prefix).getHostAddress() + "/" + bits;
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 octets", e);
        }
    }
}
