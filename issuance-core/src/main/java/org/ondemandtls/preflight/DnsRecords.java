package org.ondemandtls.preflight;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.CAARecord;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.NSRecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/**
 * The records of a name in words, for an operator: aliases, addresses by our resolver and by the zone's own servers, and the
 * CAA records in force. Judges nothing.
 *
 * <p><b>Cost.</b> Only operators get here: up to about twenty questions, at most {@value #MOST_SERVERS} of them to servers
 * the owner of the zone names, and those at public addresses only. Blocks.
 */
final class DnsRecords {

    /** How many of a zone's own servers are asked. */
    static final int MOST_SERVERS = 2;

    /** How many aliases are followed. */
    static final int MOST_ALIASES = 8;

    private static final String ADDRESSES = "addresses";

    private final Questions resolver;
    private final Function<InetAddress, Questions> servers;
    private final Predicate<InetAddress> mayBeAsked;
    private final AddressCheck addresses;
    private final Function<ServerName, String> registeredDomain;

    /**
     * Makes one.
     *
     * @param resolver our resolver
     * @param servers how one of the zone's own servers is asked
     * @param mayBeAsked which of these servers may be, by their addresses
     * @param addresses knows which addresses are expected
     * @param registeredDomain says what the public suffix list makes of a name
     */
    DnsRecords(
            Questions resolver,
            Function<InetAddress, Questions> servers,
            Predicate<InetAddress> mayBeAsked,
            AddressCheck addresses,
            Function<ServerName, String> registeredDomain) {
        this.resolver = resolver;
        this.servers = servers;
        this.mayBeAsked = mayBeAsked;
        this.addresses = addresses;
        this.registeredDomain = registeredDomain;
    }

    /** What there is, each thing with a sentence, in the order in which it is looked at. */
    Map<String, String> of(ServerName name, Look look) {
        Map<String, String> told = new LinkedHashMap<>();
        try {
            Name asked = absolute(name.value());
            String aliases = aliases(asked, look);
            if (!aliases.isEmpty()) {
                told.put("aliases", aliases);
            }
            String ours = said(resolver, asked, look);
            told.put(ADDRESSES, "Our resolver says: " + ours + ". " + addresses.expected());
            told.put("authoritative servers", authoritative(name, asked, ours, look));
            told.put("CAA records", caa(name, look));
        } catch (Questions.NoAnswerException e) {
            told.putIfAbsent(
                    ADDRESSES,
                    "Our resolver did not answer (" + CaaRules.printable(String.valueOf(e.getMessage())) + ").");
        } catch (Questions.TooManyException e) {
            told.putIfAbsent(ADDRESSES, "Not all was asked: " + e.bound() + " was reached.");
        } catch (TextParseException e) {
            told.putIfAbsent(ADDRESSES, "This is no name of DNS.");
        }
        return told;
    }

    private String aliases(Name asked, Look look) throws Questions.NoAnswerException, Questions.TooManyException {
        List<String> chain = new ArrayList<>();
        Name at = asked;
        for (int hop = 0; hop < MOST_ALIASES; hop++) {
            Optional<Record> alias =
                    resolver.ask(at, Type.CNAME, look).records().stream().findFirst();
            if (alias.isEmpty()) {
                break;
            }
            Name target = ((CNAMERecord) alias.get()).getTarget();
            chain.add("CNAME " + text(at) + " " + text(target));
            at = target;
        }
        return chain.isEmpty() ? "" : String.join(", ", chain) + ".";
    }

    private String said(Questions by, Name asked, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException {
        TreeSet<String> records = new TreeSet<>();
        Questions.Answer ipv4 = by.ask(asked, Type.A, look);
        Questions.Answer ipv6 = by.ask(asked, Type.AAAA, look);
        ipv4.records()
                .forEach(record ->
                        records.add("A " + ((ARecord) record).getAddress().getHostAddress()));
        ipv6.records()
                .forEach(record ->
                        records.add("AAAA " + ((AAAARecord) record).getAddress().getHostAddress()));
        if (!records.isEmpty()) {
            return String.join(", ", records);
        }
        return ipv4.exists() || ipv6.exists() ? "no address" : "no such name";
    }

    private String authoritative(ServerName name, Name asked, String ours, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        String domain = registeredDomain.apply(name);
        List<String> told = new ArrayList<>();
        // Whoever owns the zone decides how many there are.
        List<Record> servers = resolver.ask(absolute(domain), Type.NS, look).records().stream()
                .limit(MOST_SERVERS * 2L)
                .toList();
        for (Record record : servers) {
            Name server = ((NSRecord) record).getTarget();
            Optional<InetAddress> address = told.size() < MOST_SERVERS ? address(server, look) : Optional.empty();
            if (address.isPresent()) {
                told.add(text(server) + " says: " + asked(address.get(), asked, look));
            }
        }
        if (told.isEmpty()) {
            return "No server of " + domain + " could be asked.";
        }
        boolean same = told.stream().allMatch(one -> one.endsWith(": " + ours));
        return String.join("; ", told)
                + (same ? ", as our resolver does." : ". Our resolver may keep an older answer for a while.");
    }

    private Optional<InetAddress> address(Name server, Look look) throws Questions.TooManyException {
        try {
            return resolver.ask(server, Type.A, look).records().stream()
                    .map(one -> ((ARecord) one).getAddress())
                    .filter(mayBeAsked)
                    .findFirst();
        } catch (Questions.NoAnswerException e) {
            // Another one may be found.
            return Optional.empty();
        }
    }

    private String asked(InetAddress server, Name asked, Look look) throws Questions.TooManyException {
        try {
            return said(servers.apply(server), asked, look);
        } catch (Questions.NoAnswerException e) {
            return "nothing in time";
        }
    }

    private String caa(ServerName name, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        for (String at : CaaCheck.climb(name.value(), registeredDomain.apply(name))) {
            List<Record> records = resolver.ask(absolute(at), Type.CAA, look).records();
            if (!records.isEmpty()) {
                return "In force at " + at + ": "
                        + records.stream()
                                .map(CAARecord.class::cast)
                                .map(DnsRecords::text)
                                .collect(Collectors.joining(", "))
                        + ".";
            }
        }
        return "None: every CA may issue.";
    }

    private static String text(CAARecord record) {
        return "CAA " + record.getFlags() + " " + CaaRules.printable(record.getTag()) + " \""
                + CaaRules.printable(record.getValue()) + "\"";
    }

    private static String text(Name name) {
        return CaaRules.printable(name.toString(true));
    }

    private static Name absolute(String name) throws TextParseException {
        return Name.fromString(name + ".");
    }
}
