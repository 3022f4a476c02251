package org.ondemandtls.preflight;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.ondemandtls.name.ServerName;
import org.xbill.DNS.CAARecord;
import org.xbill.DNS.Name;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/**
 * Whether CAA records let one of our CAs issue for a name.
 *
 * <p>The nearest name upwards that has records is in force (RFC 8659 section 3). Asked are the name, the one above it, its
 * registered domain and the public suffix, and not each label: strangers choose how many labels a name has. Only where
 * records further up would forbid it are the few names between asked as well; where there are many, nothing is certain.
 * Aliases are followed by the resolver. Blocks.
 */
final class CaaCheck {

    /** How many names between are asked where that decides. */
    static final int MOST_BETWEEN = 4;

    private static final int MOST_LIMITING = 10_000;

    private final Questions dns;
    private final Supplier<List<CaIdentity>> authorities;
    private final Function<ServerName, String> registeredDomain;
    // The records in force for a name, between a look and its order.
    private final Cache<ServerName, List<CAARecord>> limiting =
            Caffeine.newBuilder().maximumSize(MOST_LIMITING).build();

    /**
     * Makes one.
     *
     * @param dns answers questions
     * @param authorities the CAs an order may go to; one that allows it, or of which nothing is known, is enough
     * @param registeredDomain says what the public suffix list makes of a name
     */
    CaaCheck(Questions dns, Supplier<List<CaIdentity>> authorities, Function<ServerName, String> registeredDomain) {
        this.dns = dns;
        this.authorities = authorities;
        this.registeredDomain = registeredDomain;
    }

    /** What CAA records forbid, empty where they do not or nothing is certain. */
    Optional<Verdict> judge(ServerName name, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        List<CaIdentity> candidates = authorities.get();
        if (candidates.isEmpty()) {
            return Optional.empty();
        }
        forget(name);
        List<String> climb = climb(name.value(), registeredDomain.apply(name));
        for (int at = 0; at < climb.size(); at++) {
            Questions.Answer answer = ask(climb.get(at), look);
            List<CAARecord> records = records(answer);
            if (records.isEmpty()) {
                continue;
            }
            // What is in force is not known where nobody was asked about the names between.
            if (at == 0 || parent(climb.get(at - 1)).equals(climb.get(at))) {
                limiting.put(name, records);
            }
            Optional<Verdict> forbids = forbidden(climb.get(at), answer, candidates);
            return forbids.isPresent() && at > 0
                    ? between(climb.get(at - 1), climb.get(at), forbids, candidates, look)
                    : forbids;
        }
        return Optional.empty();
    }

    /** Forgets what the last look at a name has found. */
    void forget(ServerName name) {
        limiting.invalidate(name);
    }

    /**
     * Which ways of proving a name its CAA records left a CA at the last look, none where they name others only; empty where
     * nothing limits them.
     */
    Optional<Set<String>> validationMethods(ServerName name, CaIdentity authority) {
        List<CAARecord> records = limiting.getIfPresent(name);
        return records == null ? Optional.empty() : CaaRules.methods(records, authority);
    }

    private Optional<Verdict> between(
            String below, String above, Optional<Verdict> forbids, List<CaIdentity> candidates, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        List<String> names = new ArrayList<>();
        for (String name = parent(below); !name.equals(above); name = parent(name)) {
            names.add(name);
            if (names.size() > MOST_BETWEEN) {
                return Optional.empty();
            }
        }
        for (String name : names) {
            Questions.Answer answer = ask(name, look);
            if (!answer.records().isEmpty()) {
                return forbidden(name, answer, candidates);
            }
        }
        return forbids;
    }

    /** The names that are asked, upwards. */
    static List<String> climb(String name, String registeredDomain) {
        Set<String> climb = new LinkedHashSet<>();
        climb.add(name);
        if (!name.equals(registeredDomain)) {
            climb.add(parent(name));
            climb.add(registeredDomain);
        }
        if (registeredDomain.indexOf('.') > 0) {
            climb.add(parent(registeredDomain));
        }
        return List.copyOf(climb);
    }

    private static String parent(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    private Questions.Answer ask(String at, Look look)
            throws Questions.NoAnswerException, Questions.TooManyException, TextParseException {
        return dns.ask(Name.fromString(at + "."), Type.CAA, look);
    }

    private static List<CAARecord> records(Questions.Answer answer) {
        return answer.records().stream().map(CAARecord.class::cast).toList();
    }

    private static Optional<Verdict> forbidden(String at, Questions.Answer answer, List<CaIdentity> candidates) {
        List<CAARecord> records = records(answer);
        String why = "";
        Set<String> domains = new LinkedHashSet<>();
        for (CaIdentity candidate : candidates) {
            Optional<String> forbids = CaaRules.forbid(records, candidate);
            if (forbids.isEmpty()) {
                return Optional.empty();
            }
            why = forbids.get();
            candidate.domains().stream().sorted().findFirst().ifPresent(domains::add);
        }
        return Optional.of(Verdict.customer("add CAA " + CaaRules.printable(at) + " 0 issue \""
                + String.join("\" or \"", domains) + "\"; by the records there " + why + answer.untilAskedAgain()));
    }
}
