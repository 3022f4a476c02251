package com.example.shop;

import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import java.util.function.BiFunction;

/** What an application does that is asked by the server it runs on; it needs none of the server's classes. */
public final class Customers implements ServletContextListener {

    @Override
    public void contextInitialized(ServletContextEvent event) {
        BiFunction<String, String, Object> mayHave = (name, purpose) -> {
            if (name.startsWith("unpaid.")) {
                return "has not paid";
            }
            return name.endsWith(".customer.example");
        };
        event.getServletContext().setAttribute("customers.mayHaveCertificate", mayHave);
    }
}
