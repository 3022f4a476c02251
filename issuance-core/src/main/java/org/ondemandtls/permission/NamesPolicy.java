package org.ondemandtls.permission;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.ondemandtls.config.NamePattern;
import org.ondemandtls.name.ServerName;

/** A fixed set of allowed names; a look-up is two hash accesses. */
final class NamesPolicy {

    private final Set<String> patterns = new HashSet<>();

    NamesPolicy(Collection<NamePattern> allowed) {
        allowed.forEach(pattern -> patterns.add(pattern.value()));
    }

    boolean grants(ServerName name) {
        return patterns.contains(name.value()) || patterns.contains(name.wildcard());
    }

    int size() {
        return patterns.size();
    }
}
