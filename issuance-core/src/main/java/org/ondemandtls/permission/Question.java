package org.ondemandtls.permission;

import java.util.concurrent.CompletableFuture;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Decision;
import org.ondemandtls.permission.PermissionPolicy.Purpose;

/**
 * What is asked, and where the answer goes.
 *
 * @param name the name in question
 * @param purpose what for
 * @param since when it was asked, on the monotonic clock
 * @param answer completed with what was decided
 */
record Question(ServerName name, Purpose purpose, long since, CompletableFuture<Decision> answer) {}
