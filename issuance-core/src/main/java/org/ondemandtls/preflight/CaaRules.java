package org.ondemandtls.preflight;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.xbill.DNS.CAARecord;

/**
 * What a set of CAA records says about one CA; pure.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8659#section-4">RFC 8659 section 4</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8657">RFC 8657, accounturi and validationmethods</a>
 */
final class CaaRules {

    private static final int CRITICAL = 0x80;
    private static final Set<String> KNOWN_TAGS =
            Set.of("issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail", "issuevmc");

    private CaaRules() {}

    /**
     * Why the records forbid it.
     *
     * @param records the set that is in force for a name, not empty
     * @param authority who would issue
     * @return what forbids it, in words; empty where nothing does, or not enough is known about the CA to say
     */
    static Optional<String> forbid(List<CAARecord> records, CaIdentity authority) {
        for (CAARecord record : records) {
            if ((record.getFlags() & CRITICAL) != 0 && !KNOWN_TAGS.contains(tag(record))) {
                return Optional.of("a critical property no CA may pass over (" + printable(record.getTag()) + ")");
            }
        }
        List<String> issuers = records.stream()
                .filter(record -> tag(record).equals("issue"))
                .map(CAARecord::getValue)
                .toList();
        if (issuers.isEmpty() || authority.domains().isEmpty()) {
            return Optional.empty();
        }
        Set<String> others = new TreeSet<>();
        String limited = null;
        for (String issuer : issuers) {
            String domain = domain(issuer);
            if (!authority.domains().contains(domain)) {
                others.add(named(domain, authority));
                continue;
            }
            Optional<String> limit = limit(issuer, authority);
            if (limit.isEmpty()) {
                return Optional.empty();
            }
            limited = limit.get();
        }
        return Optional.of(limited != null ? limited : "only " + String.join(", ", others) + " may issue");
    }

    // A name with a dot at its end is no CA's (RFC 8659 section 4.2), however much it looks like one.
    private static String named(String domain, CaIdentity authority) {
        boolean dotted = domain.endsWith(".") && authority.domains().contains(domain.substring(0, domain.length() - 1));
        return domain.isEmpty()
                ? "nobody"
                : printable(domain) + (dotted ? " (which is no CA's name: remove the dot at its end)" : "");
    }

    private static Optional<String> limit(String issuer, CaIdentity authority) {
        Map<String, String> parameters = parameters(issuer);
        String account = parameters.get("accounturi");
        if (account != null
                && authority.accountUri().isPresent()
                && !authority.accountUri().get().equals(account)) {
            return Optional.of("only another account of the CA may issue (accounturi)");
        }
        Optional<Set<String>> methods = methods(parameters);
        if (methods.isPresent() && methods.get().stream().noneMatch(authority.methods()::contains)) {
            return Optional.of("none of our validation methods is allowed (validationmethods)");
        }
        return Optional.empty();
    }

    /**
     * Which validation methods the records leave a CA.
     *
     * @param records the set that is in force for a name
     * @param authority who would issue
     * @return those of all records that name the CA, none where they name others only; empty where one of them, or all,
     *     leave the choice, or not enough is known about the CA to say
     */
    static Optional<Set<String>> methods(List<CAARecord> records, CaIdentity authority) {
        boolean limited = false;
        Set<String> allowed = new TreeSet<>();
        for (CAARecord record : records) {
            if (!tag(record).equals("issue") || authority.domains().isEmpty()) {
                continue;
            }
            limited = true;
            if (authority.domains().contains(domain(record.getValue()))) {
                Optional<Set<String>> methods = methods(parameters(record.getValue()));
                if (methods.isEmpty()) {
                    return Optional.empty();
                }
                allowed.addAll(methods.get());
            }
        }
        return limited ? Optional.of(Set.copyOf(allowed)) : Optional.empty();
    }

    private static Optional<Set<String>> methods(Map<String, String> parameters) {
        return Optional.ofNullable(parameters.get("validationmethods"))
                .map(methods -> Arrays.stream(methods.toLowerCase(Locale.ROOT).split(",", -1))
                        .map(String::trim)
                        .collect(Collectors.toUnmodifiableSet()));
    }

    private static String tag(CAARecord record) {
        return record.getTag().toLowerCase(Locale.ROOT);
    }

    private static String domain(String issuer) {
        int semicolon = issuer.indexOf(';');
        String domain = (semicolon < 0 ? issuer : issuer.substring(0, semicolon)).trim();
        return domain.toLowerCase(Locale.ROOT);
    }

    private static Map<String, String> parameters(String issuer) {
        Map<String, String> parameters = new HashMap<>();
        String[] parts = issuer.split(";", -1);
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals > 0) {
                parameters.put(
                        parts[i].substring(0, equals).trim().toLowerCase(Locale.ROOT),
                        parts[i].substring(equals + 1).trim());
            }
        }
        return parameters;
    }

    /** Text that came from DNS, fit for a log. */
    static String printable(String text) {
        String line = text.replaceAll("[^\\x21-\\x7e]", "?");
        return line.length() <= 100 ? line : line.substring(0, 100);
    }
}
