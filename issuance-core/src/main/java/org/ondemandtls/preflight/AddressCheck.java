package org.ondemandtls.preflight;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.ondemandtls.name.AddressBlock;
import org.ondemandtls.name.CdnRanges;
import org.ondemandtls.name.PublicAddresses;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Type;

/** Whether a name has addresses, and only such as lead to this server. Blocks for two DNS questions, rarely three. */
final class AddressCheck {

    private static final int IPV4_OCTETS = 4;
    private static final int NAT64_PREFIX_OCTETS = 12;

    // By itself, so that a start does not load the DNS library.
    private static final class Ipv4Only {
        // Has no AAAA record but by a resolver that makes some (RFC 7050).
        static final Name NAME = Name.fromConstantString("ipv4only.arpa.");
    }

    /**
     * What DNS has for a name.
     *
     * @param addresses all of them, IPv6 last
     * @param ipv4 what was said of A records
     * @param ipv6 what was said of AAAA records
     */
    record Found(List<InetAddress> addresses, Questions.Answer ipv4, Questions.Answer ipv6) {}

    private final Questions dns;
    private final List<AddressBlock> ours;
    private final CdnRanges cdns;

    /**
     * Makes one.
     *
     * @param dns answers questions
     * @param ours the addresses that lead here, empty where any will do
     * @param cdns the addresses that lead here through somebody else, perhaps
     */
    AddressCheck(Questions dns, List<AddressBlock> ours, CdnRanges cdns) {
        this.dns = dns;
        this.ours = ours;
        this.cdns = cdns;
    }

    /** Whether the operator has said that an address leads here. */
    boolean isListed(InetAddress address) {
        return ours.stream().anyMatch(block -> block.contains(address));
    }

    /**
     * Asks for the addresses of a name.
     *
     * @param asked the name
     * @param look until when, and for whom
     * @param network told which network ends TLS in front of the name as soon as an address says so: there are zones
     *     whose servers never answer for AAAA
     */
    Found find(Name asked, Look look, Consumer<String> network)
            throws Questions.NoAnswerException, Questions.TooManyException {
        List<InetAddress> found = new ArrayList<>();
        Questions.Answer ipv4 = dns.ask(asked, Type.A, look);
        for (Record record : ipv4.records()) {
            found.add(((ARecord) record).getAddress());
        }
        cdn(found).ifPresent(network);
        Questions.Answer ipv6 = dns.ask(asked, Type.AAAA, look);
        for (Record record : ipv6.records()) {
            found.add(((AAAARecord) record).getAddress());
        }
        cdn(found).ifPresent(network);
        return new Found(found, ipv4, ipv6);
    }

    private Optional<String> cdn(List<InetAddress> addresses) {
        return addresses.stream()
                .flatMap(address -> cdns.network(address).stream())
                .findFirst();
    }

    /** What is wrong with the addresses of a name, empty where nothing is certain. */
    Optional<Verdict> judge(ServerName name, Found found, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException {
        if (found.addresses().isEmpty()) {
            return Optional.of(missing(name, found));
        }
        if (ours.isEmpty()) {
            return Optional.empty();
        }
        boolean publicOnly = ours.stream().noneMatch(PublicAddresses::isPrivate);
        for (InetAddress address : found.addresses()) {
            // A resolver inside may know a name by an address that nobody else does: the CA sees another one.
            boolean inside = publicOnly && !PublicAddresses.contains(address);
            // What a CDN does with a request is its own affair.
            boolean elsewhere = inside || cdns.network(address).isPresent();
            if (!isListed(address) && !elsewhere && !isMadeFrom(found.addresses(), address, look)) {
                return Optional.of(misdirected(name, address, found));
            }
        }
        return Optional.empty();
    }

    // DNS64: the resolver makes IPv6 addresses of the name's IPv4 ones, and no CA sees them.
    private boolean isMadeFrom(List<InetAddress> all, InetAddress address, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException {
        byte[] octets = address.getAddress();
        if (octets.length == IPV4_OCTETS
                || all.stream().noneMatch(other -> isIpv4(other) && isTail(other.getAddress(), octets))) {
            return false;
        }
        return dns.ask(Ipv4Only.NAME, Type.AAAA, look).records().stream()
                .map(made -> ((AAAARecord) made).getAddress().getAddress())
                .anyMatch(made -> Arrays.equals(made, 0, NAT64_PREFIX_OCTETS, octets, 0, NAT64_PREFIX_OCTETS));
    }

    private static boolean isTail(byte[] ipv4, byte[] ipv6) {
        return Arrays.equals(ipv4, 0, IPV4_OCTETS, ipv6, NAT64_PREFIX_OCTETS, ipv6.length);
    }

    private Verdict missing(ServerName name, Found found) {
        boolean exists = found.ipv4().exists() || found.ipv6().exists();
        Questions.Answer kept = found.ipv4().kept().isPresent() ? found.ipv4() : found.ipv6();
        return Verdict.away(
                "nowhere",
                "add " + wanted(name) + "; the name " + (exists ? "has no address" : "does not exist")
                        + kept.untilAskedAgain());
    }

    private Verdict misdirected(ServerName name, InetAddress strange, Found found) {
        boolean ipv4 = isIpv4(strange);
        String type = ipv4 ? "A " : "AAAA ";
        String right = ours(ipv4);
        // Where we have none of its kind, a CA would still go to the wrong one.
        return Verdict.away(
                strange.getHostAddress(),
                (right.isEmpty()
                                ? "remove " + type + name + " " + strange.getHostAddress()
                                : "change " + type + name + " from " + strange.getHostAddress() + " to " + right)
                        + (ipv4 ? found.ipv4() : found.ipv6()).untilAskedAgain());
    }

    /** Which addresses are expected, in one sentence. */
    String expected() {
        if (ours.isEmpty()) {
            return "Any address will do: onDemandTls.preflight.addresses is not set.";
        }
        return "Expected is "
                + ours.stream()
                        .map(block -> (block.isIpv4() ? "A " : "AAAA ") + block.shortText())
                        .collect(Collectors.joining(" or "))
                + ".";
    }

    private String wanted(ServerName name) {
        String ipv4 = ours(true);
        String ipv6 = ours(false);
        if (ipv4.isEmpty() && ipv6.isEmpty()) {
            return "A or AAAA " + name;
        }
        return ipv4.isEmpty() ? "AAAA " + name + " " + ipv6 : "A " + name + " " + ipv4;
    }

    private String ours(boolean ipv4) {
        return ours.stream()
                .filter(block -> block.isIpv4() == ipv4)
                .map(AddressBlock::shortText)
                .collect(Collectors.joining(" or "));
    }

    private static boolean isIpv4(InetAddress address) {
        return address.getAddress().length == IPV4_OCTETS;
    }
}
