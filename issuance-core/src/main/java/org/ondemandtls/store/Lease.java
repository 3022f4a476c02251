package org.ondemandtls.store;

import org.ondemandtls.name.ServerName;

/**
 * A time-limited right to work on a name, which its store keeps up until it is given back or its holder is gone.
 *
 * @param name the name
 * @param fence a number that is higher with each lease the store grants, so that what a former holder writes late can be
 *     told; 0 in a store that one process owns
 */
public record Lease(ServerName name, long fence) {

    /** The lease of a process that has its store for itself. */
    public static Lease alone(ServerName name) {
        return new Lease(name, 0);
    }
}
